{%- set window_days = var('rfm_window_days') | int %}

with snapshot_dates as (

    select * from {{ ref('int_snapshot_dates') }}

),

lasting_entries as (

    select * from {{ ref('int_order_ledger') }}
    where entry_type <> 'changed_order'

),

changed_entries as (

    select * from {{ ref('int_order_ledger') }}
    where entry_type = 'changed_order'

),

-- What was known of an order at the snapshot: one that was undone by then is no purchase. Only
-- orders that changed need adding up.
known_entries as (

    select
        snapshot_dates.snapshot_date,
        lasting_entries.customer_id,
        lasting_entries.effective_date,
        lasting_entries.order_count,
        lasting_entries.amount
    from lasting_entries
    inner join snapshot_dates
        on lasting_entries.known_date <= snapshot_dates.snapshot_date
    union all
    select
        snapshot_dates.snapshot_date,
        changed_entries.customer_id,
        changed_entries.effective_date,
        sum(changed_entries.order_count) as order_count,
        sum(changed_entries.amount) as amount
    from changed_entries
    inner join snapshot_dates
        on changed_entries.known_date <= snapshot_dates.snapshot_date
    group by
        snapshot_dates.snapshot_date, changed_entries.order_id,
        changed_entries.customer_id, changed_entries.effective_date

),

windowed as (

    select
        *,
        {% if window_days > 0 -%}
            effective_date > {{ dbt.dateadd('day', -window_days, 'snapshot_date') }}
        {%- else -%}
            true
        {%- endif %} as is_in_window
    from known_entries

),

customers as (

    select
        snapshot_date,
        customer_id,
        min(case when order_count > 0 then effective_date end) as first_order_date,
        max(case when order_count > 0 then effective_date end) as last_order_date,
        sum(case when is_in_window then order_count else 0 end) as frequency,
        sum(case when is_in_window then amount else 0 end) as monetary
    from windowed
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
