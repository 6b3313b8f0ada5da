-- Values are exact numbers, so that means over customers do not depend on an order of addition.

with intervals as (

    select * from {{ ref('fct_rfm_intervals') }}

),

as_of as (

    select snapshot_date from {{ ref('dim_snapshots') }}
    where
        is_as_of
        and {{ 'true' if var('clustering') else 'false' }}

),

customers as (

    select
        as_of.snapshot_date,
        intervals.customer_id,
        intervals.frequency,
        intervals.monetary,
        {{ dbt.datediff('intervals.last_order_date', 'as_of.snapshot_date', 'day') }}
            as recency_days,
        {{ dbt.datediff('intervals.first_order_date', 'as_of.snapshot_date', 'day') }}
            as customer_age_days
    from intervals
    inner join as_of
        on
            intervals.valid_from <= as_of.snapshot_date
            and intervals.valid_until > as_of.snapshot_date

),

behaviour as (

    select
        intervals.*,
        {{ dbt.datediff('intervals.last_event_date', 'as_of.snapshot_date', 'day') }}
            as event_recency_days,
        {{ ratio('intervals.cart_count', 'intervals.event_count') }} as cart_rate,
        {{ ratio('intervals.dwell_seconds', 'intervals.timed_event_count') }} as avg_dwell_seconds
    from {{ ref('fct_behaviour_intervals') }} as intervals
    inner join as_of
        on
            intervals.valid_from <= as_of.snapshot_date
            and intervals.valid_until > as_of.snapshot_date

)

select
    customers.snapshot_date,
    customers.customer_id,
    cast(customers.recency_days as bigint) as recency_days,
    cast(customers.customer_age_days as bigint) as customer_age_days,
    customers.frequency,
    customers.monetary,
    {{ cluster_order_value(ratio('customers.monetary', 'customers.frequency')) }}
        as avg_order_value,
    {{ cluster_behaviour_columns(
        'behaviour', 'customers.recency_days', 'behaviour.event_recency_days'
    ) }}
from customers
left join behaviour
    on customers.customer_id = behaviour.customer_id
