"""Any interleaving, duplication and loss of a call's flow and event deliveries.

Then there is at most one POST a contact with a known outcome, parents come before children, and the
tally closes: in = delivered + superseded + skipped + dead-lettered + to be delivered again. After
enough deliveries nothing is left to deliver.
"""

from hypothesis import event as note
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.call_world import CHAIN, World
from voicecall_bridge.settings.contact_events import CreateFromEvents

KINDS = ["INITIATED", "QUEUED", "CONNECTED_TO_AGENT", "DISCONNECTED", "COMPLETED"]
POST_FAULTS = [
    *("429", "503", "cut before", "cut after", "die before", "die after"),
    *("meanwhile", "meanwhile", "meanwhile", "meanwhile"),
]
LEDGER_FAULTS = ["", "", "down", "answer lost", "die before", "die after"]
MOST_ROUNDS = 60

FLOWS = st.tuples(
    st.just("flow"),
    st.sampled_from(CHAIN),
    st.sampled_from([{}, {"sfdc-Region__c": "north"}]),
)
EVENTS = st.tuples(st.just("event"), st.sampled_from(CHAIN), st.sampled_from(KINDS))
# Published and delivered at once, alone, so that it meets any worker at the same contact.
SIGNS = st.tuples(st.just("sign"), st.sampled_from(CHAIN), st.sampled_from(KINDS[1:4]))
BATCHES = st.tuples(st.just("batch"), st.lists(st.integers(0, 20), min_size=1, max_size=6))
TIMES = st.tuples(st.just("time"), st.sampled_from([0.5, 7.0, 12.0, 40.0, 130.0]))
ACTIONS = st.lists(
    FLOWS | FLOWS | SIGNS | SIGNS | EVENTS | BATCHES | BATCHES | TIMES, min_size=3, max_size=24
)


class Play:
    """Actions on a world; some of them run in the middle of another one's POST."""

    def __init__(self, world: World, actions: list[tuple[object, ...]]) -> None:
        self.world = world
        self.actions = actions
        self.pending: set[int] = set()
        world.salesforce.meanwhile = self.step

    def step(self) -> None:
        """The next action, if there is one."""
        if not self.actions:
            return
        what, *facts = self.actions.pop(0)
        if what == "time":
            self.world.clock.sleep(float(str(facts[0])))
        elif facts[0] in CHAIN and facts[0] not in self.world.chain:
            return
        elif what == "flow":
            self.world.run_flow(str(facts[0]), facts[1])  # type: ignore[arg-type]
        elif what == "event":
            self.pending.add(self.world.publish(str(facts[0]), str(facts[1])))
        elif what == "sign":
            number = self.world.publish(str(facts[0]), str(facts[1]))
            self.pending.add(number)
            self.deliver([number])
        else:
            self.batch(facts[0])  # type: ignore[arg-type]
        self.world.check()

    def batch(self, places: list[int]) -> None:
        """Records by their places among all that were published: old ones are delivered once
        more."""
        if known := sorted(self.world.published):
            self.deliver([known[place % len(known)] for place in places])

    def deliver(self, numbers: list[int]) -> None:
        """One batch; records that it leaves are pending."""
        again = self.world.deliver(numbers)
        self.pending = (self.pending - set(numbers)) | set(again)

    def drain(self) -> None:
        """Lambda's retries, when nothing fails any more: each from the lowest pending record on."""
        for _ in range(MOST_ROUNDS):
            self.world.check()
            if not self.pending:
                return
            lowest = min(self.pending)
            numbers = [number for number in self.world.published if number >= lowest]
            self.pending = set(self.world.deliver(numbers))
            self.world.clock.sleep(15.0)
        raise AssertionError(f"delivered again for ever: {sorted(self.pending)}")


@settings(max_examples=200)
@given(
    contacts=st.integers(1, 3),
    create_from=st.sampled_from(CreateFromEvents),
    over=st.booleans(),
    actions=ACTIONS,
    post_faults=st.lists(st.sampled_from(["", *POST_FAULTS]), max_size=8),
    ledger_faults=st.lists(st.sampled_from(LEDGER_FAULTS), max_size=6),
    lost=st.sets(st.integers(1, 24), max_size=4),
)
def test_any_order_of_deliveries(
    contacts: int,
    create_from: CreateFromEvents,
    over: bool,
    actions: list[tuple[object, ...]],
    post_faults: list[str],
    ledger_faults: list[str],
    lost: set[int],
) -> None:
    world = World(contacts, create_from, over=over)
    world.salesforce.faults = list(post_faults)
    world.ledger.faults = list(ledger_faults)
    play = Play(world, list(actions))
    while play.actions:
        play.step()
    world.salesforce.faults, world.ledger.faults = [], []
    play.pending -= lost
    due = set(play.pending)
    play.drain()
    assert {str(number) for number in due} <= world.ended
    lines = [line for line in world.logged.deliveries() if line["source"] == "contact_flow"]
    assert len(lines) == world.flow_ends
    assert all(count == 1 for count in world.salesforce.cleared.values()), "once a contact"
    for line in world.logged.deliveries():
        if line["reason"] == "ALREADY_DONE":
            assert line["ContactId"] in world.salesforce.cleared, "no request cleared it"
    for letter in world.letters.kept:
        note(f"dead letter: {letter[1]}")
    for contact_id, standing in world.salesforce.standings.items():
        note(f"{contact_id}: {len(standing.posts)} POSTs")


@given(
    contacts=st.integers(1, 3),
    kinds=st.permutations(["INITIATED", "QUEUED", "CONNECTED_TO_AGENT"]),
    faults=st.lists(st.sampled_from(["429", "503", "cut before", "cut after"]), max_size=6),
    data=st.data(),
)
def test_a_call_that_is_on_gets_all_its_voice_calls(
    contacts: int, kinds: list[str], faults: list[str], data: st.DataObject
) -> None:
    """Given no flow, at least one live event of each contact and transient faults, in any order and
    any batches, then each contact has its VoiceCall and nothing is dead-lettered.
    """
    world = World(contacts, CreateFromEvents.SAFETY_NET, over=False)
    world.salesforce.faults = faults
    signs = [(contact_id, kind) for contact_id in world.chain for kind in kinds]
    kept = data.draw(st.permutations(signs))
    for contact_id, kind in kept:
        world.publish(contact_id, kind)
    play = Play(world, [])
    play.pending = set(world.published)
    play.drain()
    assert set(world.salesforce.stored) == set(world.chain)
    assert world.letters.kept == []
