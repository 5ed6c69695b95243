"""The libraries that can run the expressions on events: Polars, pandas, DuckDB and Spark."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerasnets._errors import unknown_name
from kerasnets.data.tables.cells import DataError, name_file

if TYPE_CHECKING:
    import narwhals as nw
    import pyarrow as pa

ENGINES = ("polars", "pandas", "duckdb", "pyspark")


@dataclass(frozen=True)
class FrameEngine:
    """A library that runs expressions written with Narwhals.

    Attributes:
        name: one of :data:`ENGINES`.
        scan_native: function from a Parquet file and columns to a frame of the library.
        table_native: function from an Arrow table to a frame of the library.
        errors: what the library raises for files that it cannot read.
    """

    name: str
    scan_native: Callable[[Path, Sequence[str]], Any]
    table_native: Callable[[pa.Table], Any]
    errors: tuple[type[Exception], ...]

    def scan(self, path: Path, columns: Sequence[str]) -> nw.LazyFrame[Any]:
        """Some columns of a Parquet file, with the categories of pandas and Polars as text."""
        import narwhals as nw

        frame = nw.from_native(self.scan_native(path, columns)).lazy()
        categories = [
            name
            for name, kind in frame.collect_schema().items()
            if isinstance(kind, nw.Categorical | nw.Enum)
        ]
        return frame.with_columns(nw.col(*categories).cast(nw.String)) if categories else frame

    def table(self, table: pa.Table) -> nw.LazyFrame[Any]:
        """A small table, to join with events."""
        import narwhals as nw

        return nw.from_native(self.table_native(table)).lazy()

    @contextlib.contextmanager
    def reading(self, path: Path) -> Iterator[None]:
        """Name a file in every error of the block.

        Raises:
            DataError: instead of a ``ValueError``, or of an error of the library.
        """
        try:
            with name_file(path):
                yield
        except self.errors as error:
            if isinstance(error, DataError):
                raise
            first = str(error).strip().partition("\n")[0]
            raise DataError(f"{path}: {self.name} cannot read it ({first}).") from error


@contextlib.contextmanager
def open_engine(name: str) -> Iterator[FrameEngine]:
    """Yield an engine, and end what was started for it.

    Args:
        name: one of :data:`ENGINES`.

    Raises:
        ValueError: if the name is unknown, or the library is not installed.
    """
    if name not in ENGINES:
        raise unknown_name("engine", name, ENGINES)
    try:
        importlib.import_module(name)
    except ImportError:
        raise ValueError(
            f"engine={name!r} needs {name}: pip install 'kerasnets[{_EXTRAS[name]}]'."
        ) from None
    with _OPEN[name]() as engine:
        yield engine


@contextlib.contextmanager
def _polars() -> Iterator[FrameEngine]:
    import polars as pl

    yield FrameEngine(
        "polars",
        lambda path, columns: pl.scan_parquet(path, glob=False).select(columns),
        pl.from_arrow,
        (pl.exceptions.PolarsError,),
    )


@contextlib.contextmanager
def _pandas() -> Iterator[FrameEngine]:
    import pandas as pd
    import pyarrow as pa

    yield FrameEngine(
        "pandas",
        # Other types would turn whole numbers with missing values into floats.
        lambda path, columns: pd.read_parquet(
            path, columns=list(columns), dtype_backend="pyarrow", partitioning=None
        ),
        lambda table: table.to_pandas(types_mapper=pd.ArrowDtype),
        (pa.ArrowException, OSError),
    )


@contextlib.contextmanager
def _duckdb() -> Iterator[FrameEngine]:
    import duckdb

    with duckdb.connect() as connection:
        yield FrameEngine(
            "duckdb",
            lambda path, columns: connection.read_parquet(_literal(path)).select(
                *(duckdb.ColumnExpression(column) for column in columns)
            ),
            connection.from_arrow,
            (duckdb.Error,),
        )


@contextlib.contextmanager
def _spark() -> Iterator[FrameEngine]:
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    existing = SparkSession.getActiveSession()
    try:
        session = existing or _start_spark(SparkSession.builder)
    except (PySparkException, OSError, RuntimeError) as error:
        first = str(error).strip().partition("\n")[0]
        raise ValueError(
            f"Spark cannot start: {first}. It needs Java 17 or newer (Debian: apt-get install "
            "default-jre-headless) and, for a cluster, its usual environment variables."
        ) from error
    try:
        yield FrameEngine(
            "pyspark",
            lambda path, columns: session.read.parquet(_literal(path)).select(*columns),
            session.createDataFrame,
            (PySparkException,),
        )
    finally:
        if existing is None:
            session.stop()


def _start_spark(builder: Any) -> Any:
    """A session with the user's settings, in which times are not changed by time zones."""
    return (
        builder.appName("kerasnets")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.execution.arrow.pyspark.enabled", "true")
        .config("spark.log.level", "ERROR")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.shuffle.partitions", "4")
        .getOrCreate()
    )


def _literal(path: Path) -> str:
    """A path in which no character is a wildcard."""
    return "".join(f"[{char}]" if char in "*?[{" else char for char in str(path))


_OPEN = {"polars": _polars, "pandas": _pandas, "duckdb": _duckdb, "pyspark": _spark}
_EXTRAS = {"duckdb": "duckdb", "pyspark": "spark"}
