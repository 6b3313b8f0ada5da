-- At the as-of date the intervals say what the ledger adds up to, order by order and straight.

{%- set window_days = var('rfm_window_days') | int %}

with orders as (

    select
        ledger.customer_id,
        ledger.order_id,
        ledger.effective_date,
        sum(ledger.order_count) as order_count,
        sum(ledger.amount) as amount
    from {{ ref('int_order_ledger') }} as ledger
    group by ledger.customer_id, ledger.order_id, ledger.effective_date

),

windowed as (

    select
        orders.*,
        {% if window_days > 0 -%}
            orders.effective_date > {{ dbt.dateadd('day', -window_days, 'reporting.as_of_date') }}
        {%- else -%}
            true
        {%- endif %} as is_in_window,
        reporting.as_of_date
    from orders
    cross join {{ ref('int_reporting_period') }} as reporting

),

expected as (

    select
        customer_id,
        min(case when order_count > 0 then effective_date end) as first_order_date,
        max(case when order_count > 0 then effective_date end) as last_order_date,
        sum(case when is_in_window then order_count else 0 end) as frequency,
        sum(case when is_in_window then amount else 0 end) as monetary
    from windowed
    group by customer_id
    having max(case when order_count > 0 then effective_date end) is not null

),

found as (

    select intervals.*
    from {{ ref('fct_rfm_intervals') }} as intervals
    inner join {{ ref('int_reporting_period') }} as period
        on
            intervals.valid_from <= period.as_of_date
            and intervals.valid_until > period.as_of_date
    where {{ is_touched('customer_id', 'intervals.customer_id') }}

)

select
    coalesce(expected.customer_id, found.customer_id) as customer_id,
    expected.frequency as expected_frequency,
    found.frequency,
    expected.monetary as expected_monetary,
    found.monetary
from expected
full outer join found
    on expected.customer_id = found.customer_id
where
    expected.customer_id is null
    or found.customer_id is null
    or expected.first_order_date <> found.first_order_date
    or expected.last_order_date <> found.last_order_date
    or expected.frequency <> found.frequency
    or expected.monetary <> found.monetary
