{#-
  First in first out, with windows only: which pieces of which sales do which cancellations undo.

  events: name of a CTE with customer_id, product_id, unit_price, ordered_at, event_order (0 sale,
  1 cancellation), order_id, line_number, sold_quantity and cancelled_quantity (0 where it does not
  apply). Emits CTEs, the last of which is <events>_matched with one row per cancelling line and
  cancelled line; pieces of the cancelled line are numbered from its start: (from_piece, to_piece].

  Per customer, product and price, in time order with sales before cancellations of the same
  moment: A = cumulative pieces sold, C = cumulative pieces cancelled. U = the most that C - A has
  reached so far is what found no sale; D = C - U is what did. A cancellation takes the range
  (D before it, D after it] out of the sales' ranges of A, and an overlap of ranges is a match.
-#}
{% macro first_in_first_out(events) -%}
{%- set in_time_order -%}
            partition by customer_id, product_id, unit_price
            order by ordered_at, event_order, order_id, line_number
{%- endset -%}
{{ events }}_totalled as (

    select
        *,
        sum(sold_quantity) over (
{{ in_time_order }}
            rows between unbounded preceding and current row
        ) as sold_total,
        sum(cancelled_quantity) over (
{{ in_time_order }}
            rows between unbounded preceding and current row
        ) as cancelled_total
    from {{ events }}

),

{{ events }}_limited as (

    select
        *,
        cancelled_total - greatest(0, max(cancelled_total - sold_total) over (
{{ in_time_order }}
            rows between unbounded preceding and current row
        )) as matched_total
    from {{ events }}_totalled

),

{{ events }}_ranged as (

    select
        *,
        case
            when event_order = 0 then sold_total - sold_quantity
            else coalesce(lag(matched_total) over (
{{ in_time_order }}
            ), 0)
        end as range_start,
        case when event_order = 0 then sold_total else matched_total end as range_end
    from {{ events }}_limited

),

{{ events }}_matched as (

    select
        cancellations.order_id as cancelling_order_id,
        cancellations.line_number as cancelling_line_number,
        sales.order_id as cancelled_order_id,
        sales.line_number as cancelled_line_number,
        cast(
            greatest(sales.range_start, cancellations.range_start) - sales.range_start as bigint
        ) as from_piece,
        cast(
            least(sales.range_end, cancellations.range_end) - sales.range_start as bigint
        ) as to_piece
    from {{ events }}_ranged as cancellations
    inner join {{ events }}_ranged as sales
        on
            cancellations.customer_id = sales.customer_id
            and cancellations.product_id = sales.product_id
            and cancellations.unit_price = sales.unit_price
            and cancellations.range_start < sales.range_end
            and cancellations.range_end > sales.range_start
    where
        cancellations.event_order = 1
        and sales.event_order = 0

)
{%- endmacro %}
