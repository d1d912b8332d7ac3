"""Trees in the terminal: whatever is long, nothing is missing."""

from rich.tree import Tree

from orchestration.terminal_text import branch, shown


def test_a_long_branch_of_a_tree_is_whole_and_on_one_line() -> None:
    tree = Tree("root")
    words = [f"parameter_{number}={number}" for number in range(200)]
    branch(branch(branch(tree, "deep"), "deeper"), ", ".join(words))
    (line,) = [line for line in shown(tree).splitlines() if "parameter_0=" in line]
    assert line.endswith(", ".join(words))
