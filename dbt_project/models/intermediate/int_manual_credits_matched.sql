-- A manual credit names no product, so it is matched by customer, amount and time. The sale must
-- be untouched: no return of its customer, product and price between sale and credit. That makes
-- the match depend on the past alone and leaves earlier matches as they were.

with recursive cancellation_events as (

    select * from {{ ref('int_cancellation_events') }}
    where
        event_type <> 'refunded_sale'
        and customer_id is not null

),

open_sales as (

    select * from {{ ref('int_order_lines') }}
    where
        line_type = 'sale'
        and status <> 'refunded'
        and line_kind <> 'manual'
        and customer_id is not null

),

manual_events as (

    select * from cancellation_events
    where line_kind = 'manual'

),

{{ first_in_first_out('manual_events') }},

unmatched_credits as (

    select
        manual_events.order_id,
        manual_events.line_number,
        manual_events.customer_id,
        manual_events.ordered_at,
        manual_events.line_amount
    from manual_events
    left join manual_events_matched
        on
            manual_events.order_id = manual_events_matched.cancelling_order_id
            and manual_events.line_number = manual_events_matched.cancelling_line_number
    where
        manual_events.event_order = 1
        and manual_events_matched.cancelling_order_id is null

),

equal_sales as (

    select
        unmatched_credits.customer_id,
        unmatched_credits.line_amount,
        unmatched_credits.order_id as credit_order_id,
        unmatched_credits.line_number as credit_line_number,
        unmatched_credits.ordered_at as credited_at,
        open_sales.order_id as sale_order_id,
        open_sales.line_number as sale_line_number,
        open_sales.product_id,
        open_sales.unit_price,
        open_sales.line_kind,
        open_sales.ordered_at as sold_at,
        open_sales.order_date as sold_date,
        open_sales.quantity as sold_quantity,
        open_sales.gross_revenue - open_sales.discount_revenue as sale_revenue
    from unmatched_credits
    inner join open_sales
        on
            unmatched_credits.customer_id = open_sales.customer_id
            and unmatched_credits.line_amount = open_sales.line_amount
            and open_sales.ordered_at <= unmatched_credits.ordered_at
            and unmatched_credits.ordered_at
            <= {{ dbt.dateadd('day', var('manual_credit_days'), 'open_sales.ordered_at') }}

),

touched_sales as (

    select
        equal_sales.credit_order_id,
        equal_sales.credit_line_number,
        equal_sales.sale_order_id,
        equal_sales.sale_line_number
    from equal_sales
    inner join cancellation_events
        on
            equal_sales.customer_id = cancellation_events.customer_id
            and equal_sales.product_id = cancellation_events.product_id
            and equal_sales.unit_price = cancellation_events.unit_price
            and cancellation_events.event_order = 1
            and cancellation_events.ordered_at between equal_sales.sold_at
            and equal_sales.credited_at
    group by
        equal_sales.credit_order_id, equal_sales.credit_line_number,
        equal_sales.sale_order_id, equal_sales.sale_line_number

),

candidates as (

    select
        equal_sales.*,
        dense_rank() over (
            partition by equal_sales.customer_id, equal_sales.line_amount
            order by
                equal_sales.credited_at, equal_sales.credit_order_id,
                equal_sales.credit_line_number
        ) as credit_rank,
        dense_rank() over (
            partition by equal_sales.customer_id, equal_sales.line_amount
            order by
                equal_sales.sold_at, equal_sales.sale_order_id, equal_sales.sale_line_number
        ) as sale_rank
    from equal_sales
    left join touched_sales
        on
            equal_sales.credit_order_id = touched_sales.credit_order_id
            and equal_sales.credit_line_number = touched_sales.credit_line_number
            and equal_sales.sale_order_id = touched_sales.sale_order_id
            and equal_sales.sale_line_number = touched_sales.sale_line_number
    where touched_sales.sale_order_id is null

),

-- Credits of one customer and amount in time order: each takes the earliest sale not yet taken.
taken as (

    select
        customer_id,
        line_amount,
        cast(0 as bigint) as credit_rank,
        cast(null as bigint) as sale_rank,
        cast(',' as varchar) as taken_ranks
    from candidates
    group by customer_id, line_amount
    union all
    select
        taken.customer_id,
        taken.line_amount,
        candidates.credit_rank,
        min(case
            when position(
                ',' || cast(candidates.sale_rank as varchar) || ',' in taken.taken_ranks
            ) = 0 then candidates.sale_rank
        end) as sale_rank,
        taken.taken_ranks || coalesce(cast(min(case
            when position(
                ',' || cast(candidates.sale_rank as varchar) || ',' in taken.taken_ranks
            ) = 0 then candidates.sale_rank
        end) as varchar) || ',', '') as taken_ranks
    from taken
    inner join candidates
        on
            taken.customer_id = candidates.customer_id
            and taken.line_amount = candidates.line_amount
            and taken.credit_rank + 1 = candidates.credit_rank
    group by
        taken.customer_id, taken.line_amount, candidates.credit_rank, taken.taken_ranks

),

matched as (

    select
        candidates.credit_order_id as cancelling_order_id,
        candidates.credit_line_number as cancelling_line_number,
        candidates.sale_order_id as cancelled_order_id,
        candidates.sale_line_number as cancelled_line_number,
        candidates.line_kind as cancelled_line_kind,
        candidates.sold_at as cancelled_ordered_at,
        candidates.sold_date as cancelled_order_date,
        candidates.sold_quantity as cancelled_line_quantity,
        candidates.sale_revenue as cancelled_line_revenue
    from candidates
    inner join taken
        on
            candidates.customer_id = taken.customer_id
            and candidates.line_amount = taken.line_amount
            and candidates.credit_rank = taken.credit_rank
            and candidates.sale_rank = taken.sale_rank

)

select * from matched
