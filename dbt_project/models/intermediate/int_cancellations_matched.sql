with cancellation_events as (

    select * from {{ ref('int_cancellation_events') }}

),

manual_credits as (

    select * from {{ ref('int_manual_credits_matched') }}

),

open_events as (

    select cancellation_events.*
    from cancellation_events
    left join manual_credits as crediting
        on
            cancellation_events.order_id = crediting.cancelling_order_id
            and cancellation_events.line_number = crediting.cancelling_line_number
    left join manual_credits as credited
        on
            cancellation_events.order_id = credited.cancelled_order_id
            and cancellation_events.line_number = credited.cancelled_line_number
    where
        cancellation_events.event_type <> 'refunded_sale'
        and cancellation_events.customer_id is not null
        and crediting.cancelling_order_id is null
        and credited.cancelled_order_id is null

),

{{ first_in_first_out('open_events') }},

sales as (

    select * from cancellation_events
    where event_order = 0

),

matched as (

    select
        open_events_matched.cancelling_order_id,
        open_events_matched.cancelling_line_number,
        open_events_matched.cancelled_order_id,
        open_events_matched.cancelled_line_number,
        'same_product_and_price' as match_rule,
        open_events_matched.from_piece,
        open_events_matched.to_piece,
        sales.sold_quantity as cancelled_line_quantity,
        sales.sale_revenue as cancelled_line_revenue,
        sales.line_kind as cancelled_line_kind,
        sales.order_date as cancelled_order_date,
        sales.ordered_at as cancelled_ordered_at
    from open_events_matched
    inner join sales
        on
            open_events_matched.cancelled_order_id = sales.order_id
            and open_events_matched.cancelled_line_number = sales.line_number
    union all
    select
        cancelling_order_id,
        cancelling_line_number,
        cancelled_order_id,
        cancelled_line_number,
        'manual_credit' as match_rule,
        cast(0 as bigint) as from_piece,
        cancelled_line_quantity as to_piece,
        cancelled_line_quantity,
        cancelled_line_revenue,
        cancelled_line_kind,
        cancelled_order_date,
        cancelled_ordered_at
    from manual_credits
    union all
    select
        order_id as cancelling_order_id,
        line_number as cancelling_line_number,
        order_id as cancelled_order_id,
        line_number as cancelled_line_number,
        'refunded_status' as match_rule,
        cast(0 as bigint) as from_piece,
        sold_quantity as to_piece,
        sold_quantity as cancelled_line_quantity,
        sale_revenue as cancelled_line_revenue,
        line_kind as cancelled_line_kind,
        order_date as cancelled_order_date,
        ordered_at as cancelled_ordered_at
    from sales
    where event_type = 'refunded_sale'

)

select * from matched
