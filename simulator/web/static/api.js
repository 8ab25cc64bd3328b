// The console's REST interface: the same that tests and the shell use (/openapi.json).
async function answer(response) {
  const kind = response.headers.get("content-type") || "";
  const value = kind.includes("json") ? await response.json() : await response.text();
  if (!response.ok) throw new Error(value.error || `status ${response.status}`);
  return value;
}

export async function get(path) {
  return answer(await fetch(path));
}

export async function post(path, body = {}) {
  const headers = { "Content-Type": "application/json" };
  return answer(await fetch(path, { method: "POST", headers, body: JSON.stringify(body) }));
}

export async function remove(path) {
  return answer(await fetch(path, { method: "DELETE" }));
}

// Calls `change` with what the server sends; begins again by itself after an interruption.
export function follow(after, change, status) {
  const source = new EventSource(`/api/live?after=${after}`);
  source.addEventListener("open", () => status("live"));
  source.addEventListener("error", () => status("connection lost, trying again"));
  source.addEventListener("changes", (event) => change(JSON.parse(event.data)));
  return source;
}
