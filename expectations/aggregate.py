"""An expectation of our own for Great Expectations: an aggregate over the whole batch, in SQL, must be true.

Great Expectations computes all aggregates over one frame in one job, while a query costs two jobs and a column
condition one more for each column, so a suite of these costs one scan. No values of the data come back.
"""

from typing import Any, ClassVar

from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.core.metric_function_types import MetricPartialFunctionTypes
from great_expectations.execution_engine import ExecutionEngine, SparkDFExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.metrics.metric_provider import metric_partial
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
from pyspark.sql import Column
from pyspark.sql import functions as F

_METRIC = "table.aggregate_holds"


class AggregateHolds(TableMetricProvider):
    """The value of the aggregate: true, false, or null, which is not true."""

    metric_name = _METRIC
    value_keys = ("aggregate",)

    @metric_partial(
        engine=SparkDFExecutionEngine,
        partial_fn_type=MetricPartialFunctionTypes.AGGREGATE_FN,
        domain_type=MetricDomainTypes.TABLE,
    )
    def _spark(
        cls,  # noqa: N805 - Great Expectations makes a class method of it
        execution_engine: SparkDFExecutionEngine,  # noqa: ARG002 - called by keyword
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        metrics: dict[str, Any],  # noqa: ARG002
        runtime_configuration: dict[str, Any],  # noqa: ARG002
    ) -> tuple[Column, dict[str, Any], dict[str, Any]]:
        return F.expr(metric_value_kwargs["aggregate"]), metric_domain_kwargs, {}


class ExpectAggregateToHold(BatchExpectation):
    """`aggregate`, a SQL expression of aggregate functions, is true over the batch."""

    aggregate: str

    metric_dependencies: ClassVar[tuple[str, ...]] = (_METRIC,)
    success_keys: ClassVar[tuple[str, ...]] = ("aggregate",)
    args_keys: ClassVar[tuple[str, ...]] = ("aggregate",)

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,  # noqa: ARG002 - the base class's signature
        execution_engine: ExecutionEngine[Any] | None = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        return {"success": metrics[_METRIC] is True, "result": {}}
