-- Only the sales that a cancellation could undo are kept: those of a customer, product and price
-- that has one.

with order_lines as (

    select * from {{ ref('int_order_lines') }}
    where customer_id is not null

),

cancellations as (

    select * from order_lines
    where line_type = 'cancellation'

),

cancelled_keys as (

    select
        customer_id,
        product_id,
        unit_price
    from cancellations
    group by customer_id, product_id, unit_price

),

sales as (

    select order_lines.*
    from order_lines
    inner join cancelled_keys
        on
            order_lines.customer_id = cancelled_keys.customer_id
            and order_lines.product_id = cancelled_keys.product_id
            and order_lines.unit_price = cancelled_keys.unit_price
    where
        order_lines.line_type = 'sale'
        and order_lines.status <> 'refunded'

),

events as (

    select
        order_id,
        line_number,
        customer_id,
        product_id,
        unit_price,
        line_kind,
        ordered_at,
        line_amount,
        0 as event_order,
        quantity as sold_quantity,
        0 as cancelled_quantity
    from sales
    union all
    select
        order_id,
        line_number,
        customer_id,
        product_id,
        unit_price,
        line_kind,
        ordered_at,
        line_amount,
        1 as event_order,
        0 as sold_quantity,
        -quantity as cancelled_quantity
    from cancellations

)

select * from events
