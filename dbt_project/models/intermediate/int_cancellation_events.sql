-- Everything that matching looks at, read from the lines once: every cancellation, every refunded
-- line, and of the other sales those that a cancellation could undo, which are the ones of a
-- customer, product and price that has one.

-- That quantities are below 0 follows from the type, but can be told before lines are typed.
with cancellations as (

    select * from {{ ref('int_order_lines') }}
    where
        line_type = 'cancellation'
        and quantity < 0

),

refunded_sales as (

    select * from {{ ref('int_order_lines') }}
    where
        status = 'refunded'
        and line_type = 'sale'

),

open_sales as (

    select * from {{ ref('int_order_lines') }}
    where
        line_type = 'sale'
        and status <> 'refunded'
        and customer_id is not null

),

cancelled_keys as (

    select
        customer_id,
        product_id,
        unit_price
    from cancellations
    where customer_id is not null
    group by customer_id, product_id, unit_price

),

cancellable_sales as (

    select open_sales.*
    from open_sales
    inner join cancelled_keys
        on
            open_sales.customer_id = cancelled_keys.customer_id
            and open_sales.product_id = cancelled_keys.product_id
            and open_sales.unit_price = cancelled_keys.unit_price

),

events as (

    select
        'sale' as event_type,
        *
    from cancellable_sales
    union all
    select
        'refunded_sale' as event_type,
        *
    from refunded_sales
    union all
    select
        'cancellation' as event_type,
        *
    from cancellations

)

select
    order_id,
    line_number,
    event_type,
    case event_type when 'cancellation' then 1 else 0 end as event_order,
    customer_id,
    product_id,
    unit_price,
    line_kind,
    ordered_at,
    order_date,
    line_amount,
    gross_revenue - discount_revenue as sale_revenue,
    case event_type when 'cancellation' then 0 else quantity end as sold_quantity,
    case event_type when 'cancellation' then -quantity else 0 end as cancelled_quantity
from events
