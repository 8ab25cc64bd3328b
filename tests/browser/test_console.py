"""The console in a real browser: every feature, by mouse and by keyboard, with hostile content."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from simulator.functions.lambda_process import Invocation
from simulator.web.spoken import TALK
from tests.browser.conftest import PICTURES

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.console.conftest import Console

HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"


def picture(page: Page, name: str) -> None:
    """Keeps what the page looks like: artefacts, and the pictures of the docs."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png")


def trigger(page: Page, story: str, fields: str = "") -> str:
    """Triggers a story on the page; the first call's contact id."""
    page.click("nav >> text=Trigger")
    page.check(f"input[name=story][value={story}]")
    page.fill("#set", fields)
    page.click("#trigger-form button[type=submit]")
    link = page.wait_for_selector("#trigger-result a")
    assert link is not None
    contact_id = link.inner_text()
    page.click("nav >> text=Calls")
    return contact_id


def open_call(page: Page, contact_id: str) -> None:
    page.click(f'#calls [data-id="{contact_id}"]')
    page.wait_for_selector(f"#story h2:has-text('{contact_id}')")


def test_a_call_is_watched_from_trigger_to_record(page: Page) -> None:
    """When a call is triggered, then its row appears, and its story shows flow, request and answer
    side by side, the ledger and the VoiceCall."""
    contact_id = trigger(page, "inbound", "CustomerEndpoint.Address=+12065550144")
    page.wait_for_selector(f'#calls [data-id="{contact_id}"]:has-text("+12065550144")')
    page.wait_for_selector(f'#calls [data-id="{contact_id}"]:has-text("0LQ")')
    open_call(page, contact_id)
    page.click("#story summary:has-text('POST /voiceCalls')")
    page.wait_for_selector("#story .pair pre[aria-label=answer]:has-text('voiceCallId')")
    assert "CREATED" in page.inner_text("#story pre[aria-label='ledger item']")
    assert page.url.endswith(f"/calls/{contact_id}")
    picture(page, "console-story")


def test_a_transcript_is_read_as_a_conversation(page: Page) -> None:
    """When a call with a transcript is triggered, then its story shows who said what, the category
    between the lines and the sentiment in words."""
    contact_id = trigger(page, "transcript")
    page.wait_for_selector(f'#calls [data-id="{contact_id}"]:has-text("0LQ")')
    open_call(page, contact_id)
    page.wait_for_selector("#sentiment dd:has-text('1 positive, 0 neutral, 1 negative')")
    shown = [line.split("\n") for line in page.locator("#conversation .line").all_inner_texts()]
    assert sorted((who.split(",")[0], words) for who, words in shown) == sorted(
        (role.lower(), words) for role, words, _ in TALK
    )
    assert page.inner_text("#conversation .category") == "category: Late delivery"
    page.locator("#conversation").scroll_into_view_if_needed()
    picture(page, "console-conversation")


def test_a_line_that_is_not_in_salesforce_says_so(page: Page, console: Console) -> None:
    """Given hostile words that Salesforce does not take, then they are text, and marked."""
    said = {"messageId": "m", "content": HOSTILE, "senderType": "END_USER", "startTime": 1}
    entries = [{"vendorCallKey": "refused", "messages": [said]}]
    console.hub.recorder.exchange(
        {
            "at": 1.0,
            "method": "POST",
            "path": "/telephony/v1/voiceCalls/messages",
            "body": {"entries": entries},
            "status": 503,
        }
    )
    page.wait_for_selector('#calls [data-id="refused"]')
    open_call(page, "refused")
    shown = page.inner_text("#conversation .line.missing")
    assert "not in Salesforce: answered 503" in shown
    assert HOSTILE in shown
    assert page.title() != "owned"
    assert page.locator("#story img, #story script").count() == 0


def test_what_is_read_stays_open_until_it_is_closed(page: Page) -> None:
    """Given an entry that was opened while the call goes on, then it stays, and the story is
    renewed when it is closed."""
    contact_id = trigger(page, "inbound")
    page.wait_for_selector(f'#calls [data-id="{contact_id}"]')
    open_call(page, contact_id)
    page.click("#story [data-kind=flow] summary")
    page.wait_for_function(
        "fetch('/api/calls/' + location.pathname.split('/').pop())"
        ".then((it) => it.json()).then((it) => it.entries.some((each) => each.kind === 'record'))"
    )
    assert page.locator("#story details[open] pre").count() > 0
    page.click("#story details[open] summary")
    page.wait_for_selector("#story [data-kind=record]")


def test_an_address_opens_its_call(page: Page, console: Console) -> None:
    contact_id = trigger(page, "transfer")
    page.wait_for_selector(f'#calls [data-id="{contact_id}"]')
    page.goto(f"{console.url}/calls/{contact_id}")
    page.wait_for_selector(f"#story h2:has-text('{contact_id}')")


def test_transfers_are_a_tree_to_walk(page: Page) -> None:
    """Given a call with a transfer, when its leg is opened from the tree, then the way back is in
    the tree too. Other calls have legs as well, so the leg is found from its own first contact."""
    first = trigger(page, "transfer")
    page.wait_for_selector(f'#calls [data-id="{first}"]')
    open_call(page, first)
    leg = f"#story .tree a:not(:has-text('{first}'))"
    page.wait_for_selector(leg)
    page.click(leg)
    page.click(f"#story .tree a:has-text('{first}')")
    page.wait_for_selector(f"#story h2:has-text('{first}')")


def test_search_and_filter(page: Page) -> None:
    contact_id = trigger(page, "inbound", "CustomerEndpoint.Address=+12065550133")
    other = trigger(page, "withheld")
    page.wait_for_selector(f'#calls [data-id="{contact_id}"]:has-text("+12065550133")')
    page.wait_for_selector(f'#calls [data-id="{other}"]')
    page.fill("#search", "5550133")
    page.wait_for_selector(f'#calls [data-id="{other}"]', state="detached")
    assert page.inner_text("#count").startswith("1 of")
    page.fill("#search", "")
    page.select_option("#filter", "TRANSFER")
    page.wait_for_selector(f'#calls [data-id="{contact_id}"]', state="detached")


def test_faults_by_a_click_and_their_end(page: Page) -> None:
    """When a fault is switched on, then it is visible everywhere until one click ends all."""
    page.click("nav >> text=Faults")
    page.fill("#fault-times", "3")
    page.click("[aria-label='Switch salesforce status on']")
    page.wait_for_selector("#fault-bar:has-text('status 503')")
    page.click("[aria-label='Switch aws ledger-slow on']")
    page.wait_for_selector("#fault-bar:has-text('ledger-slow')")
    page.click("nav >> text=Calls")
    assert page.is_visible("#fault-bar")
    picture(page, "console-faults")
    page.click("#end-faults")
    page.wait_for_selector("#fault-bar", state="hidden")


def test_attempts_are_compared(page: Page) -> None:
    """Given a Salesforce that refuses, then the story marks each attempt and shows what changed."""
    contact_id = trigger(page, "salesforce-down")
    page.wait_for_selector(f'#calls [data-id="{contact_id}"] .trouble:not(:empty)')
    open_call(page, contact_id)
    attempts = page.locator("#story li.bad summary:has-text('503')")
    page.wait_for_function(
        "document.querySelectorAll('#story li.bad').length > 1 || !document.hasFocus()"
    )
    attempts.nth(1).click()
    page.wait_for_selector("#story pre[aria-label=difference]")


def test_an_event_is_edited_and_sent(page: Page) -> None:
    contact_id = trigger(page, "inbound")
    page.wait_for_selector(f'#calls [data-id="{contact_id}"]:has-text("0LQ")')
    open_call(page, contact_id)
    page.click("#story summary:has-text('createVoiceCall')")
    page.click("#story button:has-text('Edit and send')")
    event = json.loads(page.input_value("#material"))
    event["Details"]["ContactData"]["ContactId"] = "edited-1"
    page.fill("#material", json.dumps(event))
    page.click("#paste-form button[value=send]")
    page.wait_for_selector("#paste-result:has-text('flow')")
    page.click("nav >> text=Calls")
    page.wait_for_selector('#calls [data-id="edited-1"]')


def test_copying(page: Page) -> None:
    contact_id = trigger(page, "inbound")
    page.wait_for_selector(f'#calls [data-id="{contact_id}"]:has-text("0LQ")')
    open_call(page, contact_id)
    page.click("text=Copy as a sample")
    page.wait_for_selector("#toast:has-text('Copied')")
    sample = page.evaluate("navigator.clipboard.readText()")
    assert '"source": "contact_flow"' in sample


def test_dead_letters_by_reason(page: Page) -> None:
    page.click("nav >> text=Paste")
    event = {"Details": {"ContactData": {"ContactId": "c"}, "Parameters": {"methodName": "no"}}}
    page.fill("#material", json.dumps(event))
    page.click("#paste-form button[value=send]")
    page.wait_for_selector("#paste-result:not(:empty)")
    page.wait_for_timeout(1)
    page.click("nav >> text=Dead letters")
    page.wait_for_function(
        """async () => {
            if (document.body.innerText.includes('FLOW_MISTAKE')) return true;
            document.querySelector('nav [data-view=letters]').click();
            await new Promise((done) => setTimeout(done, 200));
            return document.getElementById('letters').innerText.includes('FLOW_MISTAKE');
        }"""
    )
    page.click("#redrive-form button[value=count]")
    page.wait_for_selector("#redrive-result:has-text('dryRun')")
    picture(page, "console-letters")


def test_by_keyboard_alone(page: Page) -> None:
    """Given rows, when only keys are used, then the search is reached and calls are chosen."""
    for _ in range(2):
        trigger(page, "inbound")
    page.wait_for_function("document.querySelectorAll('#calls [role=option]').length >= 2")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    page.focus("#calls")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    page.wait_for_selector("#story h2")
    chosen = page.get_attribute("#calls [aria-selected=true]", "data-id")
    assert chosen
    assert page.get_attribute("#calls", "aria-activedescendant") == f"row-{chosen}"


@pytest.mark.parametrize(
    ("scheme", "width"),
    [
        ("light", 1400),
        *(
            pytest.param(scheme, width, marks=pytest.mark.full)
            for scheme in ("light", "dark")
            for width in (360, 1400, 2560)
            if (scheme, width) != ("light", 1400)
        ),
    ],
)
def test_no_serious_finding_of_axe(page: Page, scheme: Any, width: int) -> None:
    """axe-core finds nothing serious on any view, light and dark, narrow and wide."""
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    contact_id = trigger(page, "inbound")
    page.wait_for_selector(f'#calls [data-id="{contact_id}"]')
    open_call(page, contact_id)
    for view in ("Calls", "Trigger", "Faults", "Streams", "Dead letters", "Paste", "Figures"):
        page.click(f"nav >> text={view}")
        found = Axe().run(page).response["violations"]
        serious = [
            (view, each["id"], each["nodes"][0]["html"])
            for each in found
            if each["impact"] in ("serious", "critical")
        ]
        assert serious == []
        wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
        assert not wide, f"{view} is wider than {width} pixels"


def test_hostile_content_stays_text(page: Page) -> None:
    """Given markup in every field that a caller can fill, then it is shown and never runs."""
    fields = "\n".join(
        f"{path}={HOSTILE}"
        for path in ("CustomerEndpoint.Address", "Attributes.sfdc-Name__c", "Attributes.x", "Name")
    )
    contact_id = trigger(page, "inbound", fields)
    page.wait_for_selector(f'#calls [data-id="{contact_id}"]')
    open_call(page, contact_id)
    page.wait_for_selector("#story [data-kind=flow] summary")
    page.evaluate("for (const it of document.querySelectorAll('#story details')) it.open = true")
    page.wait_for_selector("#story pre:has-text('onerror')")
    page.fill("#search", HOSTILE)
    page.wait_for_function("document.getElementById('count').textContent.length > 0")
    assert page.title() != "owned"
    assert page.locator("#story img, #calls img, #story script").count() == 0


def test_the_policy_holds(browser: Browser, console: Console) -> None:
    """Given the page's own policy, then the page works without a complaint of the browser, and
    foreign script does not run."""
    context = browser.new_context()
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(console.url)
    page.wait_for_selector("#connection:has-text('live')")
    for view in ("Trigger", "Faults", "Streams", "Dead letters", "Paste", "Figures"):
        page.click(f"nav >> text={view}")
    assert complaints == []
    page.evaluate(
        "() => { const it = document.createElement('script'); it.textContent = 'document.title=1';"
        " document.body.append(it); }"
    )
    assert page.title() != "1"
    context.close()


def test_ten_thousand_calls(page: Page, console: Console) -> None:
    """Given 10,000 calls, then scrolling and filtering take less than 100 ms of script each."""
    done = Invocation({"status": "created"}, None, [], 5.0, None, False, "r", False)
    for number in range(10_000):
        data = {
            "ContactId": f"many-{number}",
            "CustomerEndpoint": {"Address": f"+1206{number:07d}"},
            "InitiationMethod": "INBOUND" if number % 2 else "TRANSFER",
        }
        event = {"Details": {"ContactData": data, "Parameters": {"methodName": "createVoiceCall"}}}
        console.hub.recorder.invocation("F", event, done, float(number))
    page.goto(console.url)
    page.wait_for_function("document.getElementById('count').textContent.includes('of 10')")
    session = page.context.new_cdp_session(page)
    # CPU time of the page's thread: what else the machine does is not counted.
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def script() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return 1000 * sum(
            float(each["value"]) for each in metrics if each["name"] == "ScriptDuration"
        )

    begun = script()
    page.evaluate("document.getElementById('calls').scrollTop = 150000")
    page.wait_for_selector("#calls .row >> nth=10")
    scrolled = script()
    page.select_option("#filter", "TRANSFER")
    page.wait_for_function("/^5,?0/.test(document.getElementById('count').textContent)")
    filtered = script()
    assert page.locator("#calls .row").count() < 200, "only the rows in sight are in the page"
    assert scrolled - begun < 100
    assert filtered - scrolled < 100


def test_figures_are_charts_with_words(page: Page) -> None:
    contact_id = trigger(page, "inbound")
    page.wait_for_selector(f'#calls [data-id="{contact_id}"]:has-text("0LQ")')
    page.click("nav >> text=Figures")
    page.wait_for_selector("#figures svg[aria-label]")
    page.wait_for_selector("#figures :text('created')")
    picture(page, "console-figures")
