{{ config(
    materialized='incremental',
    pre_hook="{{ remove_touched('order_id', 'cancelling_order_id') }}"
) }}

with cancellation_events as (

    select * from {{ ref('int_cancellation_events') }}

),

matches as (

    select * from {{ ref('int_cancellations_matched') }}

),

cancelling_lines as (

    select * from cancellation_events
    where event_type in ('cancellation', 'refunded_sale')

),

-- A piece is worth its share of what the line was sold for after its own discount, in whole
-- ten-thousandths, so that the pieces of a line add up to the line exactly.
matched_pieces as (

    select
        cancelling_order_id,
        cancelling_line_number,
        cancelled_order_id,
        cancelled_line_number,
        cancelled_line_kind,
        cancelled_order_date,
        cancelled_ordered_at,
        match_rule,
        to_piece - from_piece as quantity,
        {{ money(
            'cast('
            ~ integer_divide(
                'cancelled_line_revenue * 10000 * to_piece',
                'cancelled_line_quantity'
            )
            ~ ' - '
            ~ integer_divide(
                'cancelled_line_revenue * 10000 * from_piece',
                'cancelled_line_quantity'
            )
            ~ ' as decimal(38, 4)) / 10000'
        ) }} as revenue
    from matches

),

matched_by_cancelling_line as (

    select
        cancelling_order_id,
        cancelling_line_number,
        sum(quantity) as matched_quantity,
        max(match_rule) as match_rule
    from matched_pieces
    group by cancelling_order_id, cancelling_line_number

),

unmatched_pieces as (

    select
        cancelling_lines.order_id,
        cancelling_lines.line_number,
        cast(
            cancelling_lines.cancelled_quantity
            - coalesce(matched_by_cancelling_line.matched_quantity, 0) as bigint
        ) as quantity
    from cancelling_lines
    left join matched_by_cancelling_line
        on
            cancelling_lines.order_id = matched_by_cancelling_line.cancelling_order_id
            and cancelling_lines.line_number
            = matched_by_cancelling_line.cancelling_line_number
    where
        cancelling_lines.event_type = 'cancellation'
        and coalesce(matched_by_cancelling_line.match_rule, 'unmatched') <> 'manual_credit'

),

pieces as (

    select
        cancelling_order_id,
        cancelling_line_number,
        cancelled_order_id,
        cancelled_line_number,
        cancelled_line_kind,
        cancelled_order_date,
        cancelled_ordered_at,
        match_rule,
        quantity,
        revenue
    from matched_pieces
    union all
    select
        order_id as cancelling_order_id,
        line_number as cancelling_line_number,
        cast(null as varchar) as cancelled_order_id,
        cast(null as bigint) as cancelled_line_number,
        cast(null as varchar) as cancelled_line_kind,
        cast(null as date) as cancelled_order_date,
        cast(null as timestamp) as cancelled_ordered_at,
        'unmatched' as match_rule,
        quantity,
        cast(null as decimal(18, 4)) as revenue
    from unmatched_pieces
    where quantity > 0

)

select
    pieces.cancelling_order_id
    || '/' || cast(pieces.cancelling_line_number as varchar)
    || '>' || coalesce(pieces.cancelled_order_id, '')
    || '/' || coalesce(cast(pieces.cancelled_line_number as varchar), '') as cancellation_id,
    pieces.cancelling_order_id,
    pieces.cancelling_line_number,
    pieces.cancelled_order_id,
    pieces.cancelled_line_number,
    pieces.match_rule,
    cancelling_lines.customer_id,
    cancelling_lines.product_id,
    coalesce(pieces.cancelled_line_kind, cancelling_lines.line_kind) as line_kind,
    cancelling_lines.ordered_at as cancelled_at,
    cancelling_lines.order_date as cancellation_date,
    pieces.cancelled_ordered_at,
    pieces.cancelled_order_date,
    pieces.quantity,
    cancelling_lines.unit_price,
    coalesce(
        pieces.revenue, {{ money(line_value('pieces.quantity', 'cancelling_lines.unit_price')) }}
    ) as revenue
from pieces
inner join cancelling_lines
    on
        pieces.cancelling_order_id = cancelling_lines.order_id
        and pieces.cancelling_line_number = cancelling_lines.line_number
