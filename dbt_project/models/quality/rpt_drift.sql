-- Figures against their own history: the points before of the same season (a weekday for days of
-- sales), whose median is the baseline. The limits lie a number of robust deviations away, but no
-- nearer than what chance alone explains (the sampling variance of a count, a sum or a share) and
-- no nearer than what anybody would look into.

{%- set share_metrics = "('unknown_customer_share', 'rejected_share', 'segment_share')" %}

with period as (

    select * from {{ ref('int_reporting_period') }}

),

days as (

    {{ day_spine('period', 'first_order_date', 'as_of_date') }}

),

orders_by_day as (

    select
        order_date,
        count(*) as order_count,
        sum(gross_revenue) as gross_revenue,
        -- Whole units are exact, so that the order of rows does not matter.
        sum(cast(
            round(cast(gross_revenue as double) * cast(gross_revenue as double)) as decimal(38, 0)
        )) as squared_revenue,
        sum(case when customer_id is null then 1 else 0 end) as unknown_count
    from {{ ref('fct_orders') }}
    group by order_date

),

-- A day without orders is a point like any other.
daily as (

    select
        days.order_date,
        {{ weekday('days.order_date') }} as season,
        coalesce(orders_by_day.order_count, 0) as order_count,
        coalesce(orders_by_day.gross_revenue, 0) as gross_revenue,
        coalesce(orders_by_day.squared_revenue, 0) as squared_revenue,
        coalesce(orders_by_day.unknown_count, 0) as unknown_count
    from days
    left join orders_by_day
        on days.order_date = orders_by_day.order_date

),

-- A file stands at the last date that it tells of: rows that were rejected may have none.
file_dates as (

    select
        file_id,
        max(order_date) as file_date
    from {{ ref('stg_order_lines') }}
    group by file_id

),

rejects_by_date as (

    select
        file_dates.file_date,
        sum(loaded_files.read_count) as read_count,
        sum(loaded_files.rejected_count) as rejected_count
    from {{ ref('stg_loaded_files') }} as loaded_files
    inner join file_dates
        on loaded_files.file_id = file_dates.file_id
    inner join period
        on file_dates.file_date <= period.as_of_date
    where
        loaded_files.dataset = 'order_lines'
        and loaded_files.status in ('loaded', 'gone')
        and loaded_files.read_count > 0
    group by file_dates.file_date

),

segments as (

    select
        scheme || ' ' || segment as dimension_value,
        snapshot_date,
        coalesce(customer_share, 0) as customer_share,
        sum(customers) over (partition by scheme, snapshot_date) as customer_count
    from {{ ref('rpt_segments') }}

),

points as (

    select
        'orders' as metric,
        'total' as dimension_value,
        order_date as period_date,
        season,
        cast(order_count as double) as value,
        -- A day that has none may have one by chance.
        cast(greatest(order_count, 1) as double) as variance
    from daily
    union all
    select
        'gross_revenue' as metric,
        'total' as dimension_value,
        order_date as period_date,
        season,
        cast(gross_revenue as double) as value,
        cast(squared_revenue as double) as variance
    from daily
    union all
    select
        'unknown_customer_share' as metric,
        'total' as dimension_value,
        order_date as period_date,
        season,
        {{ ratio('unknown_count', 'order_count') }} as value,
        {{ ratio('unknown_count', 'order_count') }}
        * (1 - {{ ratio('unknown_count', 'order_count') }}) / order_count as variance
    from daily
    where order_count > 0
    union all
    select
        'rejected_share' as metric,
        'total' as dimension_value,
        file_date as period_date,
        0 as season,
        {{ ratio('rejected_count', 'read_count') }} as value,
        {{ ratio('rejected_count', 'read_count') }}
        * (1 - {{ ratio('rejected_count', 'read_count') }}) / read_count as variance
    from rejects_by_date
    union all
    select
        'segment_share' as metric,
        dimension_value,
        snapshot_date as period_date,
        0 as season,
        customer_share as value,
        customer_share * (1 - customer_share) / customer_count as variance
    from segments
    where customer_count > 0

),

numbered as (

    select
        *,
        row_number() over (
            partition by metric, dimension_value, season
            order by period_date
        ) as point_number
    from points

),

history as (

    select
        numbered.metric,
        numbered.dimension_value,
        numbered.period_date,
        earlier.value,
        earlier.variance
    from numbered
    inner join numbered as earlier
        on
            numbered.metric = earlier.metric
            and numbered.dimension_value = earlier.dimension_value
            and numbered.season = earlier.season
            and numbered.point_number > earlier.point_number
            and numbered.point_number <= earlier.point_number + {{ var('drift_history_points') }}

),

baselines as (

    select
        metric,
        dimension_value,
        period_date,
        median(value) as baseline,
        median(variance) as variance,
        count(*) as history_points
    from history
    group by metric, dimension_value, period_date

),

deviations as (

    select
        history.metric,
        history.dimension_value,
        history.period_date,
        median(abs(history.value - baselines.baseline)) as median_deviation
    from history
    inner join baselines
        on
            history.metric = baselines.metric
            and history.dimension_value = baselines.dimension_value
            and history.period_date = baselines.period_date
    group by history.metric, history.dimension_value, history.period_date

),

-- 1.4826 median deviations are a standard deviation where values are spread normally.
widths as (

    select
        baselines.*,
        greatest(
            {{ var('drift_tolerance') }} * 1.4826 * deviations.median_deviation,
            {{ var('drift_tolerance') }} * sqrt(baselines.variance),
            {{ var('drift_least_share') }} * baselines.baseline,
            case
                when baselines.metric in {{ share_metrics }} then {{ var('drift_least_points') }}
                else 0
            end
        ) as half_width
    from baselines
    inner join deviations
        on
            baselines.metric = deviations.metric
            and baselines.dimension_value = deviations.dimension_value
            and baselines.period_date = deviations.period_date
    where
        baselines.history_points >= {{ var('drift_least_history') }}
        -- What an order is worth is not known where there are none; their number tells.
        and (baselines.metric <> 'gross_revenue' or baselines.baseline > 0)

),

limited as (

    select
        numbered.metric,
        numbered.dimension_value,
        numbered.period_date,
        numbered.value,
        baselines.baseline,
        case
            when widths.half_width is not null
                then greatest(widths.baseline - widths.half_width, 0)
        end as lower_limit,
        case
            when widths.half_width is null then null
            when numbered.metric in {{ share_metrics }}
                then least(widths.baseline + widths.half_width, 1)
            else widths.baseline + widths.half_width
        end as upper_limit,
        coalesce(baselines.history_points, 0) as history_points,
        max(numbered.period_date) over (partition by numbered.metric) as latest_date
    from numbered
    left join baselines
        on
            numbered.metric = baselines.metric
            and numbered.dimension_value = baselines.dimension_value
            and numbered.period_date = baselines.period_date
    left join widths
        on
            numbered.metric = widths.metric
            and numbered.dimension_value = widths.dimension_value
            and numbered.period_date = widths.period_date

)

select
    metric,
    dimension_value,
    period_date,
    value,
    baseline,
    lower_limit,
    upper_limit,
    coalesce(value < lower_limit or value > upper_limit, false) as is_outside,
    period_date = latest_date as is_latest,
    cast(history_points as bigint) as history_points
from limited
