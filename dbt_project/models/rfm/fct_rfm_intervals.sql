-- What recency, frequency and monetary say of a customer changes on few dates: when an order or a
-- return becomes known, and when what it did leaves the window. Between two of them they stay. The
-- rows depend neither on the as-of date nor on the dates that are reported: entries known later
-- begin later, and a way out of the window is foreseen on the day of its way in.

{%- set window_days = var('rfm_window_days') | int %}

{{ config(
    materialized='incremental',
    pre_hook="{{ remove_touched('customer_id') }}"
) }}

with entries as (

    select * from {{ ref('int_order_ledger') }}
    where
        (order_count <> 0 or amount <> 0)
        and {{ is_touched('customer_id') }}

),

changed_orders as (

    select * from {{ ref('int_order_ledger') }}
    where
        entry_type = 'changed_order'
        and order_count <> 0
        and {{ is_touched('customer_id') }}

),

order_ranges as (

    select
        order_id,
        customer_id,
        effective_date,
        known_date,
        order_count,
        min(order_count) over (partition by order_id) as lowest_order_count,
        lead(known_date) over (partition by order_id order by known_date) as next_known_date
    from changed_orders

),

-- Orders that were undone at some time, with the dates between which they count. One that came
-- back to some worth counts again.
undone_orders as (

    select
        order_id,
        customer_id,
        effective_date,
        known_date as valid_from,
        coalesce(next_known_date, {{ end_of_time() }}) as valid_until
    from order_ranges
    where
        lowest_order_count < 0
        and order_count > 0

),

undone_order_ids as (

    select order_id from undone_orders
    group by order_id

),

-- Dates on which such an order begins or ceases to count, with what these orders say from then on.
-- They are few, so that they may be joined to each other.
undone_order_dates as (

    select
        customer_id,
        known_date as change_date
    from order_ranges
    where lowest_order_count < 0
    group by customer_id, known_date

),

undone_order_spans as (

    select
        undone_order_dates.customer_id,
        undone_order_dates.change_date,
        min(undone_orders.effective_date) as first_order_date,
        max(undone_orders.effective_date) as last_order_date
    from undone_order_dates
    left join undone_orders
        on
            undone_order_dates.customer_id = undone_orders.customer_id
            and undone_order_dates.change_date >= undone_orders.valid_from
            and undone_order_dates.change_date < undone_orders.valid_until
    group by undone_order_dates.customer_id, undone_order_dates.change_date

),

dated_entries as (

    select
        entries.customer_id,
        entries.known_date,
        entries.order_count,
        entries.amount,
        {% if window_days > 0 -%}
            cast({{ dbt.dateadd('day', window_days, 'entries.effective_date') }} as date)
        {%- else -%}
            {{ end_of_time() }}
        {%- endif %} as exit_date,
        case
            when entries.order_count > 0 and undone_order_ids.order_id is null
                then entries.effective_date
        end as lasting_order_date,
        case
            when entries.order_count <> 0 and undone_order_ids.order_id is not null
                then entries.known_date
        end as undone_order_date
    from entries
    left join undone_order_ids
        on entries.order_id = undone_order_ids.order_id

),

-- An entry comes into the window when it is known and goes out of it at its end.
steps as (

    select 1 as direction
    {%- if window_days > 0 %}
    union all
    select -1 as direction
    {%- endif %}

),

differences as (

    select
        dated_entries.customer_id,
        case when steps.direction = 1 then dated_entries.known_date else dated_entries.exit_date end
            as change_date,
        case
            when dated_entries.known_date < dated_entries.exit_date
                then dated_entries.order_count * steps.direction
            else 0
        end as order_count,
        case
            when dated_entries.known_date < dated_entries.exit_date
                then dated_entries.amount * steps.direction
            else 0
        end as amount,
        case when steps.direction = 1 then dated_entries.lasting_order_date end
            as lasting_order_date,
        case when steps.direction = 1 then dated_entries.undone_order_date end
            as undone_order_date
    from dated_entries
    cross join steps

),

changes as (

    select
        customer_id,
        change_date,
        sum(order_count) as order_count,
        sum(amount) as amount,
        min(lasting_order_date) as first_order_date,
        max(lasting_order_date) as last_order_date,
        max(undone_order_date) as undone_order_date
    from differences
    group by customer_id, change_date
    having
        sum(order_count) <> 0
        or sum(amount) <> 0
        or count(lasting_order_date) + count(undone_order_date) > 0

),

accumulated as (

    select
        customer_id,
        change_date,
        order_count <> 0 or amount <> 0 as is_value_changed,
        {%- for name, total in [
            ('frequency', 'sum(order_count)'),
            ('monetary', 'sum(amount)'),
            ('first_order_date', 'min(first_order_date)'),
            ('last_order_date', 'max(last_order_date)'),
            ('undone_order_date', 'max(undone_order_date)'),
        ] %}
        {{ total }} over (
            partition by customer_id
            order by change_date
            rows between unbounded preceding and current row
        ) as {{ name }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from changes

),

with_undone_orders as (

    select
        accumulated.customer_id,
        accumulated.change_date,
        accumulated.is_value_changed,
        accumulated.frequency,
        accumulated.monetary,
        least(accumulated.first_order_date, undone_order_spans.first_order_date)
            as first_order_date,
        greatest(accumulated.last_order_date, undone_order_spans.last_order_date)
            as last_order_date
    from accumulated
    left join undone_order_spans
        on
            accumulated.customer_id = undone_order_spans.customer_id
            and accumulated.undone_order_date = undone_order_spans.change_date

),

compared as (

    select
        *,
        lag(first_order_date) over (partition by customer_id order by change_date)
            as earlier_first_order_date,
        lag(last_order_date) over (partition by customer_id order by change_date)
            as earlier_last_order_date
    from with_undone_orders

),

-- Neighbours that say the same are one interval, so that only the facts decide where one ends.
ranged as (

    select
        customer_id,
        change_date as valid_from,
        lead(change_date) over (partition by customer_id order by change_date) as valid_until,
        first_order_date,
        last_order_date,
        frequency,
        monetary
    from compared
    where
        is_value_changed
        or first_order_date is distinct from earlier_first_order_date
        or last_order_date is distinct from earlier_last_order_date

)

select
    customer_id,
    valid_from,
    coalesce(valid_until, {{ end_of_time() }}) as valid_until,
    first_order_date,
    last_order_date,
    cast(frequency as bigint) as frequency,
    {{ money('monetary') }} as monetary
from ranged
where last_order_date is not null
