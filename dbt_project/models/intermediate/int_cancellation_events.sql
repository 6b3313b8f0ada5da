-- Only the sales that a cancellation could undo are kept: those of a customer, product and price
-- that has one.

with cancellations as (

    select * from {{ ref('int_order_lines') }}
    where
        line_type = 'cancellation'
        and customer_id is not null

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
    group by customer_id, product_id, unit_price

),

sales as (

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
