-- Rows and money of the order lines, then events, followed from layer to layer. Whatever leaves
-- between two layers is a named term, so that every difference must be 0.

{%- set window_days = var('rfm_window_days') | int %}

with loaded_files as (

    select * from {{ ref('stg_loaded_files') }}
    where
        dataset = 'order_lines'
        and status in ('loaded', 'gone')

),

landed_lines as (

    select * from {{ ref('base_order_lines') }}

),

staged_lines as (

    select * from {{ ref('stg_order_lines') }}

),

corrected_lines as (

    select * from {{ ref('base_order_lines_corrected') }}

),

lines_to_correct as (

    select
        order_id || '/' || cast(line_number as varchar) as corrected_key,
        {{ line_value('quantity', 'unit_price') }} as amount
    from {{ ref('base_order_lines_to_correct') }}

),

deletes as (

    select corrected_key
    from {{ ref('base_correction_effects') }}
    where
        dataset = 'order_lines'
        and action = 'delete'
        and is_in_force

),

period as (

    select * from {{ ref('int_reporting_period') }}

),

order_lines as (

    select
        *,
        {{ line_value('quantity', 'unit_price') }} as amount
    from {{ ref('fct_order_lines') }}

),

cancellations as (

    select * from {{ ref('fct_cancellations') }}

),

orders as (

    select * from {{ ref('fct_orders') }}

),

customers as (

    select * from {{ ref('dim_customers') }}

),

sales_by_month as (

    select * from {{ ref('rpt_sales_by_month') }}

),

customer_months as (

    select * from {{ ref('fct_purchase_months') }}

),

event_files_totalled as (

    select
        coalesce(sum(read_count), 0) as read_count,
        coalesce(sum(kept_count), 0) as kept_count,
        coalesce(sum(rejected_count), 0) as rejected_count
    from {{ ref('stg_loaded_files') }}
    where
        dataset = 'events'
        and status in ('loaded', 'gone')

),

deleted_events_totalled as (

    select coalesce(sum(record_count), 0) as event_count
    from {{ ref('base_correction_effects') }}
    where
        dataset = 'events'
        and action = 'delete'
        and is_in_force

),

staged_events_totalled as (

    select count(*) as event_count
    from {{ ref('stg_events') }}

),

-- Without a period there are no customers, and every event is later.
known_events_totalled as (

    select
        count(*) as event_count,
        coalesce(sum(case
            when coalesce(events.occurred_date > period.as_of_date, true) then 1 else 0
        end), 0) as later_count,
        coalesce(sum(case
            when
                {% if window_days > 0 -%}
                    events.occurred_date
                    <= {{ dbt.dateadd('day', -window_days, 'period.as_of_date') }}
                {%- else -%}
                    false
                {%- endif %} then 1
            else 0
        end), 0) as earlier_count
    from {{ ref('int_events_deduplicated') }} as events
    left join period
        on true

),

behaviour_totalled as (

    select coalesce(sum(intervals.event_count), 0) as event_count
    from {{ ref('fct_behaviour_intervals') }} as intervals
    inner join period
        on
            intervals.valid_from <= period.as_of_date
            and intervals.valid_until > period.as_of_date

),

files_totalled as (

    select
        coalesce(sum(read_count), 0) as read_count,
        coalesce(sum(kept_count), 0) as kept_count,
        coalesce(sum(rejected_count), 0) as rejected_count,
        coalesce(sum(read_revenue), 0) as read_revenue,
        coalesce(sum(kept_revenue), 0) as kept_revenue,
        coalesce(sum(rejected_revenue), 0) as rejected_revenue
    from loaded_files

),

landed_totalled as (

    select
        count(*) as line_count,
        coalesce(sum({{ line_value('quantity', 'unit_price') }}), 0) as revenue
    from landed_lines

),

deleted_totalled as (

    select
        count(*) as line_count,
        coalesce(sum(lines_to_correct.amount), 0) as revenue
    from lines_to_correct
    inner join deletes
        on lines_to_correct.corrected_key = deletes.corrected_key

),

changed_totalled as (

    select
        coalesce(sum(
            {{ line_value('landed_quantity', 'landed_unit_price') }}
            - {{ line_value('quantity', 'unit_price') }}
        ), 0) as revenue
    from corrected_lines

),

staged_totalled as (

    select
        count(*) as line_count,
        coalesce(sum({{ line_value('staged_lines.quantity', 'staged_lines.unit_price') }}), 0)
            as revenue,
        -- There is no period when every line is later.
        coalesce(sum(case
            when coalesce(staged_lines.order_date > period.as_of_date, true) then 1 else 0
        end), 0) as later_count,
        coalesce(sum(case
            when coalesce(staged_lines.order_date > period.as_of_date, true)
                then {{ line_value('staged_lines.quantity', 'staged_lines.unit_price') }}
            else 0
        end), 0) as later_revenue
    from staged_lines
    left join period
        on true

),

duplicates_totalled as (

    select
        coalesce(sum(line_count), 0) as line_count,
        coalesce(sum(amount), 0) as revenue
    from {{ ref('rpt_duplicate_lines') }}

),

lines_totalled as (

    select
        count(*) as line_count,
        coalesce(sum(amount), 0) as amount,
        coalesce(sum(gross_revenue), 0) as gross_revenue,
        coalesce(sum(returned_revenue), 0) as returned_revenue,
        coalesce(sum(discount_revenue), 0) as discount_revenue,
        coalesce(sum(net_revenue), 0) as net_revenue,
        coalesce(sum(case when line_type = 'cancellation' then -amount else 0 end), 0)
            as cancellation_amount,
        coalesce(sum(case when line_type = 'discount' then -amount else 0 end), 0)
            as discount_line_amount,
        coalesce(sum(case when line_type = 'other' then amount else 0 end), 0) as other_amount,
        coalesce(sum(case when line_type <> 'sale' then 1 else 0 end), 0)
            as without_order_line_count,
        coalesce(sum(case when line_type <> 'sale' then net_revenue else 0 end), 0)
            as without_order_net_revenue,
        coalesce(sum(case
            when
                line_type <> 'sale'
                and customer_id is not null
                and {{ is_value_kind('line_kind') }}
                then discount_revenue
            else 0
        end), 0) as customer_discount_revenue
    from order_lines

),

cancellations_totalled as (

    select
        coalesce(sum(revenue), 0) as revenue,
        coalesce(sum(case
            when
                cancelled_order_id is null
                and customer_id is not null
                and {{ is_value_kind('line_kind') }}
                then revenue
            else 0
        end), 0) as customer_unmatched_revenue
    from cancellations

),

orders_totalled as (

    select
        count(*) as order_count,
        coalesce(sum(case when customer_id is null then 1 else 0 end), 0)
            as unknown_order_count,
        coalesce(sum(line_count), 0) as line_count,
        coalesce(sum(gross_revenue), 0) as gross_revenue,
        coalesce(sum(net_revenue), 0) as net_revenue,
        coalesce(sum(case when customer_id is null then gross_revenue else 0 end), 0)
            as unknown_gross_revenue,
        coalesce(sum(case when customer_id is null then net_revenue else 0 end), 0)
            as unknown_net_revenue,
        coalesce(sum(case when customer_id is not null then value_net_revenue else 0 end), 0)
            as customer_net_revenue,
        coalesce(sum(case when customer_id is not null then value_gross_revenue else 0 end), 0)
            as customer_gross_revenue
    from orders

),

customers_totalled as (

    select
        coalesce(sum(order_count), 0) as order_count,
        coalesce(sum(gross_revenue), 0) as gross_revenue,
        coalesce(sum(net_revenue), 0) as net_revenue
    from customers

),

months_totalled as (

    select
        coalesce(sum(gross_revenue), 0) as gross_revenue,
        coalesce(sum(net_revenue), 0) as net_revenue
    from sales_by_month

),

customer_months_totalled as (

    select coalesce(sum(revenue), 0) as revenue
    from customer_months

),

compared as (

    select
        1 as step,
        'order_lines' as metric,
        'file' as from_layer,
        'ledger' as to_layer,
        'rejected rows' as terms,
        files_totalled.read_count as from_value,
        files_totalled.rejected_count as set_aside,
        files_totalled.kept_count as to_value
    from files_totalled
    union all
    select
        2, 'amount', 'file', 'ledger', 'rejected rows',
        files_totalled.read_revenue, files_totalled.rejected_revenue, files_totalled.kept_revenue
    from files_totalled
    union all
    select
        3, 'order_lines', 'ledger', 'raw', 'none',
        files_totalled.kept_count, 0, landed_totalled.line_count
    from files_totalled
    cross join landed_totalled
    union all
    select
        4, 'amount', 'ledger', 'raw', 'none',
        files_totalled.kept_revenue, 0, landed_totalled.revenue
    from files_totalled
    cross join landed_totalled
    union all
    select
        5, 'order_lines', 'raw', 'staging', 'corrections: lines deleted',
        landed_totalled.line_count, deleted_totalled.line_count, staged_totalled.line_count
    from landed_totalled
    cross join deleted_totalled
    cross join staged_totalled
    union all
    select
        6, 'amount', 'raw', 'staging',
        'corrections: amounts of lines deleted, amounts changed',
        landed_totalled.revenue,
        deleted_totalled.revenue + changed_totalled.revenue,
        staged_totalled.revenue
    from landed_totalled
    cross join deleted_totalled
    cross join changed_totalled
    cross join staged_totalled
    union all
    select
        7, 'order_lines', 'staging', 'core.fct_order_lines',
        'duplicates, rows after the as-of date',
        staged_totalled.line_count,
        duplicates_totalled.line_count + staged_totalled.later_count,
        lines_totalled.line_count
    from staged_totalled
    cross join duplicates_totalled
    cross join lines_totalled
    union all
    select
        8, 'amount', 'staging', 'core.fct_order_lines', 'duplicates, rows after the as-of date',
        staged_totalled.revenue,
        duplicates_totalled.revenue + staged_totalled.later_revenue,
        lines_totalled.amount
    from staged_totalled
    cross join duplicates_totalled
    cross join lines_totalled
    union all
    select
        9, 'gross_revenue', 'core.fct_order_lines', 'core.fct_order_lines',
        'cancellations, discount lines and other lines, whose amounts are no sales',
        lines_totalled.amount,
        lines_totalled.other_amount
        - lines_totalled.cancellation_amount
        - lines_totalled.discount_line_amount,
        lines_totalled.gross_revenue
    from lines_totalled
    union all
    select
        10, 'returned_revenue', 'core.fct_cancellations', 'core.fct_order_lines', 'none',
        cancellations_totalled.revenue, 0, lines_totalled.returned_revenue
    from cancellations_totalled
    cross join lines_totalled
    union all
    select
        11, 'net_revenue', 'core.fct_order_lines', 'core.fct_order_lines', 'discounts, returns',
        lines_totalled.gross_revenue,
        lines_totalled.discount_revenue + lines_totalled.returned_revenue,
        lines_totalled.net_revenue
    from lines_totalled
    union all
    select
        12, 'order_lines', 'core.fct_order_lines', 'core.fct_orders',
        'cancellations, discount lines and other lines, which are no sales',
        lines_totalled.line_count, lines_totalled.without_order_line_count,
        orders_totalled.line_count
    from lines_totalled
    cross join orders_totalled
    union all
    select
        13, 'gross_revenue', 'core.fct_order_lines', 'core.fct_orders', 'none',
        lines_totalled.gross_revenue, 0, orders_totalled.gross_revenue
    from lines_totalled
    cross join orders_totalled
    union all
    select
        14, 'net_revenue', 'core.fct_order_lines', 'core.fct_orders',
        'unmatched returns, discount lines',
        lines_totalled.net_revenue, lines_totalled.without_order_net_revenue,
        orders_totalled.net_revenue
    from lines_totalled
    cross join orders_totalled
    union all
    select
        15, 'orders', 'core.fct_orders', 'core.dim_customers', 'unknown customers',
        orders_totalled.order_count, orders_totalled.unknown_order_count,
        customers_totalled.order_count
    from orders_totalled
    cross join customers_totalled
    union all
    select
        16, 'gross_revenue', 'core.fct_orders', 'core.dim_customers',
        'unknown customers, line kinds that are no purchases',
        orders_totalled.gross_revenue,
        orders_totalled.unknown_gross_revenue
        + (
            orders_totalled.gross_revenue
            - orders_totalled.unknown_gross_revenue
            - orders_totalled.customer_gross_revenue
        ),
        customers_totalled.gross_revenue
    from orders_totalled
    cross join customers_totalled
    union all
    select
        17, 'net_revenue', 'core.fct_orders', 'core.dim_customers',
        'unknown customers, line kinds that are no purchases, unmatched returns, discount lines',
        orders_totalled.net_revenue,
        orders_totalled.unknown_net_revenue
        + (
            orders_totalled.net_revenue
            - orders_totalled.unknown_net_revenue
            - orders_totalled.customer_net_revenue
        )
        + cancellations_totalled.customer_unmatched_revenue
        + lines_totalled.customer_discount_revenue,
        customers_totalled.net_revenue
    from orders_totalled
    cross join customers_totalled
    cross join cancellations_totalled
    cross join lines_totalled
    union all
    select
        18, 'gross_revenue', 'core.fct_order_lines', 'sales.rpt_sales_by_month', 'none',
        lines_totalled.gross_revenue, 0, months_totalled.gross_revenue
    from lines_totalled
    cross join months_totalled
    union all
    select
        19, 'net_revenue', 'core.fct_order_lines', 'sales.rpt_sales_by_month', 'none',
        lines_totalled.net_revenue, 0, months_totalled.net_revenue
    from lines_totalled
    cross join months_totalled
    union all
    select
        20, '{{ var("monetary_basis") }}_revenue', 'core.dim_customers',
        'lifecycle.fct_purchase_months', 'none',
        customers_totalled.{{ var('monetary_basis') }}_revenue, 0,
        customer_months_totalled.revenue
    from customers_totalled
    cross join customer_months_totalled
    union all
    select
        21, 'events', 'file', 'ledger', 'rejected rows',
        event_files_totalled.read_count, event_files_totalled.rejected_count,
        event_files_totalled.kept_count
    from event_files_totalled
    union all
    select
        22, 'events', 'ledger', 'staging', 'corrections: events deleted',
        event_files_totalled.kept_count, deleted_events_totalled.event_count,
        staged_events_totalled.event_count
    from event_files_totalled
    cross join deleted_events_totalled
    cross join staged_events_totalled
    union all
    select
        23, 'events', 'staging', 'behaviour.fct_behaviour_intervals',
        'repeated records, events after the as-of date, events before the window',
        staged_events_totalled.event_count,
        staged_events_totalled.event_count
        - known_events_totalled.event_count
        + known_events_totalled.later_count
        + known_events_totalled.earlier_count,
        behaviour_totalled.event_count
    from staged_events_totalled
    cross join known_events_totalled
    cross join behaviour_totalled

)

select
    cast(step as bigint) as step,
    metric,
    from_layer,
    to_layer,
    terms,
    cast(from_value as decimal(38, 4)) as from_value,
    cast(set_aside as decimal(38, 4)) as set_aside,
    cast(to_value as decimal(38, 4)) as to_value,
    cast(from_value - set_aside - to_value as decimal(38, 4)) as difference
from compared
