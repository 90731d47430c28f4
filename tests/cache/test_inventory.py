"""What is known of the disk: weights add up, and the least recently used goes first."""

from hypothesis import given
from hypothesis import strategies as st

from edgeproxy.cache.disk import Tag
from edgeproxy.cache.inventory import Inventory

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["enter", "leave", "touch"]),
        st.sampled_from("abcd"),
        st.integers(0, 9),
        st.sampled_from(list(Tag)),
    )
)


@given(STEPS)
def test_weights_and_tags_are_those_of_what_is_there(
    steps: list[tuple[str, str, int, Tag]],
) -> None:
    known, model = Inventory(), dict[str, tuple[int, Tag]]()
    for what, key, size, tag in steps:
        if what == "enter":
            known.enter(key, size, tag)
            model.pop(key, None)
            model[key] = size, tag
        elif what == "leave":
            known.leave(key)
            model.pop(key, None)
        else:
            known.touch(key)
            if key in model:
                model[key] = model.pop(key)
    dynamic = [key for key, (_, tag) in model.items() if tag is Tag.DYNAMIC]
    assert sorted(known) == sorted(model)
    assert {key: (known.size(key), known.tag(key)) for key in known} == model
    assert known.dynamic_bytes == sum(model[key][0] for key in dynamic)
    assert known.dynamic_bytes + known.pinned_bytes == sum(size for size, _ in model.values())
    assert (known.dynamic, known.pinned) == (len(dynamic), len(model) - len(dynamic))
    assert known.promoted == {key for key, (_, tag) in model.items() if tag is Tag.PROMOTED}
    if dynamic:
        assert known.oldest[0] == dynamic[0]


def test_what_the_disk_says_is_learnt_and_what_it_no_longer_says_is_let_go() -> None:
    known = Inventory()
    known.enter("a", 1, Tag.DYNAMIC)
    known.enter("b", 2, Tag.PINNED)
    before = list(known)
    known.enter("put meanwhile", 3, Tag.DYNAMIC)
    known.learn([("b", Tag.DYNAMIC, 7), ("c", Tag.PROMOTED, 4)], gone_from=before)
    assert {key: known.tag(key) for key in known} == {
        "b": Tag.PINNED,
        "c": Tag.PROMOTED,
        "put meanwhile": Tag.DYNAMIC,
    }
