with cancellation_events as (

    select * from {{ ref('int_cancellation_events') }}

),

manual_credits as (

    select * from {{ ref('int_manual_credits_matched') }}

),

order_lines as (

    select * from {{ ref('int_order_lines') }}

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
        crediting.cancelling_order_id is null
        and credited.cancelled_order_id is null

),

{{ first_in_first_out('open_events') }},

refunded_sales as (

    select * from order_lines
    where
        line_type = 'sale'
        and status = 'refunded'

),

all_matches as (

    select
        *,
        'same_product_and_price' as match_rule
    from open_events_matched
    union all
    select
        manual_credits.cancelling_order_id,
        manual_credits.cancelling_line_number,
        manual_credits.cancelled_order_id,
        manual_credits.cancelled_line_number,
        cast(0 as bigint) as from_piece,
        order_lines.quantity as to_piece,
        'manual_credit' as match_rule
    from manual_credits
    inner join order_lines
        on
            manual_credits.cancelled_order_id = order_lines.order_id
            and manual_credits.cancelled_line_number = order_lines.line_number
    union all
    select
        order_id as cancelling_order_id,
        line_number as cancelling_line_number,
        order_id as cancelled_order_id,
        line_number as cancelled_line_number,
        cast(0 as bigint) as from_piece,
        quantity as to_piece,
        'refunded_status' as match_rule
    from refunded_sales

)

select
    all_matches.*,
    order_lines.quantity as cancelled_line_quantity,
    order_lines.gross_revenue - order_lines.discount_revenue as cancelled_line_revenue,
    order_lines.line_kind as cancelled_line_kind,
    order_lines.order_date as cancelled_order_date,
    order_lines.ordered_at as cancelled_ordered_at
from all_matches
inner join order_lines
    on
        all_matches.cancelled_order_id = order_lines.order_id
        and all_matches.cancelled_line_number = order_lines.line_number
