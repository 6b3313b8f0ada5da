-- The rows of core.fct_order_lines: in a full build all of them, in an incremental one those of
-- touched orders. A view, because it streams.

{{ config(materialized='view') }}

with order_lines as (

    select * from {{ ref('int_order_lines') }}

),

cancellations as (

    select * from {{ ref('fct_cancellations') }}
    where {{ is_touched('order_id', 'cancelling_order_id') }}

),

-- What is undone stands on the line that it undoes; what finds no sale stands on the cancelling
-- line itself, on its own date. The last condition always holds; it tells DuckDB that returns are
-- few, so that it looks lines up in returns and not the other way round.
returns_by_line as (

    select
        coalesce(cancelled_order_id, cancelling_order_id) as order_id,
        coalesce(cancelled_line_number, cancelling_line_number) as line_number,
        sum(case when cancelled_order_id is not null then quantity else 0 end)
            as cancelled_quantity,
        sum(revenue) as returned_revenue
    from cancellations
    group by
        coalesce(cancelled_order_id, cancelling_order_id),
        coalesce(cancelled_line_number, cancelling_line_number)
    having sum(revenue) is not null

)

select
    order_lines.order_id,
    order_lines.line_number,
    order_lines.customer_id,
    order_lines.product_id,
    order_lines.ordered_at,
    order_lines.order_date,
    order_lines.line_kind,
    order_lines.line_type,
    order_lines.quantity,
    order_lines.unit_price,
    cast(coalesce(returns_by_line.cancelled_quantity, 0) as bigint) as cancelled_quantity,
    order_lines.gross_revenue,
    {{ money('coalesce(returns_by_line.returned_revenue, 0)') }} as returned_revenue,
    order_lines.discount_revenue,
    {{ money(
        'order_lines.gross_revenue - order_lines.discount_revenue'
        ~ ' - coalesce(returns_by_line.returned_revenue, 0)'
    ) }} as net_revenue
from order_lines
left join returns_by_line
    on
        order_lines.order_id = returns_by_line.order_id
        and order_lines.line_number = returns_by_line.line_number
