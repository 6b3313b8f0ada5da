{%- set window_days = var('rfm_window_days') | int %}

with ledger as (

    select * from {{ ref('int_order_ledger') }}

),

snapshot_dates as (

    select * from {{ ref('int_snapshot_dates') }}

),

-- What was known of each day's orders at the snapshot: a day whose orders were all undone by then
-- is no purchase.
order_days as (

    select
        snapshot_dates.snapshot_date,
        ledger.customer_id,
        ledger.effective_date,
        {% if window_days > 0 -%}
            ledger.effective_date
            > {{ dbt.dateadd('day', -window_days, 'snapshot_dates.snapshot_date') }}
        {%- else -%}
            true
        {%- endif %} as is_in_window,
        sum(ledger.order_count) as order_count,
        sum(ledger.amount) as amount
    from ledger
    inner join snapshot_dates
        on ledger.known_date <= snapshot_dates.snapshot_date
    group by snapshot_dates.snapshot_date, ledger.customer_id, ledger.effective_date

),

customers as (

    select
        snapshot_date,
        customer_id,
        min(case when order_count > 0 then effective_date end) as first_order_date,
        max(case when order_count > 0 then effective_date end) as last_order_date,
        sum(case when is_in_window then order_count else 0 end) as frequency,
        sum(case when is_in_window then amount else 0 end) as monetary
    from order_days
    group by snapshot_date, customer_id

),

measured as (

    select
        *,
        {{ dbt.datediff('last_order_date', 'snapshot_date', 'day') }} as recency_days,
        {{ dbt.datediff('first_order_date', 'snapshot_date', 'day') }} as customer_age_days
    from customers
    where last_order_date is not null

)

select
    cast(snapshot_date as date) as snapshot_date,
    customer_id,
    first_order_date,
    last_order_date,
    cast(recency_days as bigint) as recency_days,
    cast(customer_age_days as bigint) as customer_age_days,
    cast(frequency as bigint) as frequency,
    {{ money('monetary') }} as monetary,
    {{ ratio('monetary', 'frequency') }} as avg_order_value,
    {{ ratio('recency_days', 'customer_age_days') }} as recency_ratio,
    case when customer_age_days >= 30 then frequency * 30.0 / customer_age_days end
        as orders_per_30_days,
    ln(cast(greatest(monetary, 0) as double) + 1) as log_monetary
from measured
