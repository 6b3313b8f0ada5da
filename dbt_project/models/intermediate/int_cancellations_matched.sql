with cancellation_events as (

    select * from {{ ref('int_cancellation_events') }}

),

manual_credits as (

    select * from {{ ref('int_manual_credits_matched') }}

),

sale_lines as (

    select * from {{ ref('int_order_lines') }}
    where line_type = 'sale'

),

refunded_sales as (

    select * from {{ ref('int_order_lines') }}
    where
        line_type = 'sale'
        and status = 'refunded'

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
        cast(null as bigint) as to_piece,
        'manual_credit' as match_rule
    from manual_credits
    union all
    select
        order_id as cancelling_order_id,
        line_number as cancelling_line_number,
        order_id as cancelled_order_id,
        line_number as cancelled_line_number,
        cast(0 as bigint) as from_piece,
        cast(null as bigint) as to_piece,
        'refunded_status' as match_rule
    from refunded_sales

)

-- Without a last piece, the line is undone whole.
select
    all_matches.cancelling_order_id,
    all_matches.cancelling_line_number,
    all_matches.cancelled_order_id,
    all_matches.cancelled_line_number,
    all_matches.from_piece,
    coalesce(all_matches.to_piece, sale_lines.quantity) as to_piece,
    all_matches.match_rule,
    sale_lines.quantity as cancelled_line_quantity,
    sale_lines.gross_revenue - sale_lines.discount_revenue as cancelled_line_revenue,
    sale_lines.line_kind as cancelled_line_kind,
    sale_lines.order_date as cancelled_order_date,
    sale_lines.ordered_at as cancelled_ordered_at
from all_matches
inner join sale_lines
    on
        all_matches.cancelled_order_id = sale_lines.order_id
        and all_matches.cancelled_line_number = sale_lines.line_number
