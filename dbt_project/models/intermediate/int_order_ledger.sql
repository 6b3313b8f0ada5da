-- Everything that states, RFM and cohorts are made from, once. A row takes effect on the date of
-- its order (which decides the month and the window it belongs to) and is known from its own date
-- (before which no month end and no snapshot sees it). In an incremental build it holds the touched
-- orders, which are all of the touched customers'.

{%- set is_net = var('monetary_basis') == 'net' %}

{%- set booked_revenue -%}
    value_gross_revenue{{ ' - value_discount_revenue' if is_net }}
{%- endset %}

with orders as (

    select
        *,
        {{ booked_revenue }} as booked_revenue
    from {{ built_orders() }}
    where
        customer_id is not null

),

orders_over_several_dates as (

    select order_id from {{ built_orders() }}
    where
        customer_id is not null
        and order_date <> last_line_date

),

order_keys as (

    select
        order_id,
        customer_id,
        order_date
    from {{ built_orders() }}
    where
        customer_id is not null

),

sale_lines as (

    select * from {{ built_order_lines() }}
    where
        line_type = 'sale'
        and {{ is_value_kind('line_kind') }}

),

discount_lines as (

    select * from {{ built_order_lines() }}
    where
        line_type = 'discount'
        and customer_id is not null
        and {{ is_value_kind('line_kind') if is_net else 'false' }}

),

cancellations as (

    select * from {{ ref('fct_cancellations') }}
    where
        {{ is_value_kind('line_kind') if is_net else 'false' }}
        and {{ is_touched('order_id', 'cancelling_order_id') }}

),

changed_orders as (

    select order_id from orders_over_several_dates
    union
    select cancelled_order_id as order_id from cancellations
    where cancelled_order_id is not null

),

unchanged_orders as (

    select orders.*
    from orders
    left join changed_orders
        on orders.order_id = changed_orders.order_id
    where changed_orders.order_id is null

),

changes as (

    select
        sale_lines.order_id,
        sale_lines.order_date as known_date,
        sale_lines.gross_revenue
        {{- ' - sale_lines.discount_revenue' if is_net }} as amount
    from sale_lines
    inner join changed_orders
        on sale_lines.order_id = changed_orders.order_id
    union all
    select
        cancelled_order_id as order_id,
        cancellation_date as known_date,
        -revenue as amount
    from cancellations
    where cancelled_order_id is not null

),

changes_by_date as (

    select
        order_id,
        known_date,
        sum(amount) as amount
    from changes
    group by order_id, known_date

),

valued_changes as (

    select
        *,
        sum(amount) over (
            partition by order_id
            order by known_date
            rows between unbounded preceding and current row
        ) as order_value
    from changes_by_date

),

-- An order counts while it is worth something: it enters with its first value and leaves when it
-- is undone.
counted_changes as (

    select
        *,
        case when order_value > 0 then 1 else 0 end
        - case when order_value - amount > 0 then 1 else 0 end as order_count
    from valued_changes

),

returns_and_discounts as (

    select
        cancelling_order_id as order_id,
        customer_id,
        cancellation_date as known_date,
        revenue as amount
    from cancellations
    where
        cancelled_order_id is null
        and customer_id is not null
    union all
    select
        order_id,
        customer_id,
        order_date as known_date,
        discount_revenue as amount
    from discount_lines

),

ledger as (

    select
        order_id,
        customer_id,
        'unchanged_order' as entry_type,
        order_date as effective_date,
        order_date as known_date,
        case when booked_revenue > 0 then 1 else 0 end as order_count,
        booked_revenue as amount
    from unchanged_orders
    union all
    select
        order_keys.order_id,
        order_keys.customer_id,
        'changed_order' as entry_type,
        order_keys.order_date as effective_date,
        counted_changes.known_date,
        counted_changes.order_count,
        counted_changes.amount
    from counted_changes
    inner join order_keys
        on counted_changes.order_id = order_keys.order_id
    union all
    select
        order_id,
        customer_id,
        'unmatched' as entry_type,
        known_date as effective_date,
        known_date,
        0 as order_count,
        -sum(amount) as amount
    from returns_and_discounts
    group by order_id, customer_id, known_date

)

select
    order_id,
    customer_id,
    entry_type,
    effective_date,
    known_date,
    order_count,
    {{ money('amount') }} as amount
from ledger
