-- Summed over all dates, the ledger counts an order once while it is worth something and not
-- otherwise, and its amount is what is left of it.

with summed as (

    select
        order_id,
        sum(order_count) as order_count,
        sum(amount) as amount
    from {{ ref('int_order_ledger') }}
    where entry_type <> 'unmatched'
    group by order_id

)

select
    orders.order_id,
    orders.is_valid_order,
    summed.order_count,
    summed.amount
from {{ ref('fct_orders') }} as orders
left join summed
    on orders.order_id = summed.order_id
where
    orders.customer_id is not null
    and (
        summed.order_count <> case when orders.is_valid_order then 1 else 0 end
        or summed.amount <> orders.value_{{ var('monetary_basis') }}_revenue
        or summed.order_count is null
    )
