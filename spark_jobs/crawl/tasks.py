"""How the files of an input are dealt to Spark tasks: a large file has one of its own, small ones share.

A task costs tens of milliseconds in Python, so a folder of ten thousand pages is not ten thousand tasks.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

# A file is worth its bytes and the cost of opening it, and at most a whole task.
_OPEN_COST = 256 << 10
_TASK_BYTES = 4 << 20


def deal(files: DataFrame) -> DataFrame:
    """The rows of `files` (one row, column `inputs`: an array of structs) as a row a file, dealt to tasks by size.

    The largest files go to different tasks. Which task reads a file never shows in what is read.
    """
    tasks = _tasks(files)
    others = [name for name in files.columns if name != "inputs"]
    by_size = F.transform("inputs", lambda file: F.struct(file["bytes"], file["uri"], file.alias("file")))
    dealt = files.select(F.posexplode(F.sort_array(by_size, asc=False)).alias("rank", "entry"), *others)
    return (
        dealt.select("entry.file.*", *others, (F.col("rank") % tasks).alias("task"))
        .repartitionById(tasks, "task")
        .drop("task")
    )


def _tasks(files: DataFrame) -> int:
    """One number of one row: the list of files itself stays where it is."""

    def add(total: Column, file: Column) -> Column:
        return total + F.least(F.greatest(file["bytes"], F.lit(0)) + _OPEN_COST, F.lit(_TASK_BYTES))

    worth = F.aggregate("inputs", F.lit(0).cast("long"), add)
    row = files.select(F.least(F.ceil(worth / _TASK_BYTES), F.size("inputs")).alias("tasks")).first()
    return max(1, int(row["tasks"] or 0)) if row is not None else 1
