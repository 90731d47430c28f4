from edgeproxy.phrases.problem import BookErrors, Problem


def test_a_problem_reads_as_editors_and_compilers_write_it() -> None:
    problem = Problem("desk.yaml", 12, 5, "greeting", "has nothing to say; write the words")

    assert str(problem) == (
        "desk.yaml:12:5: error: phrase greeting: has nothing to say; write the words"
    )


def test_a_problem_of_a_whole_file_has_no_line() -> None:
    assert str(Problem("desk.yaml", 0, 0, None, "is too large")) == "desk.yaml: error: is too large"


def test_errors_carry_each_problem_once_in_the_order_of_the_file() -> None:
    late = Problem("a.yaml", 10, 1, None, "late")
    early = Problem("a.yaml", 9, 1, "p", "early", "warning")

    error = BookErrors([late, early, late])

    assert error.problems == (early, late)
    assert str(error).splitlines() == [str(early), str(late)]
