-- Added up over all dates, the entries of an order that changed count it once while it is worth
-- something and not otherwise, and their amount is what is left of it.

with changed as (

    select
        order_id,
        sum(order_count) as order_count,
        sum(amount) as amount
    from {{ ref('int_order_ledger') }}
    where entry_type = 'changed_order'
    group by order_id

)

select
    orders.order_id,
    orders.is_valid_order,
    changed.order_count,
    changed.amount
from {{ ref('fct_orders') }} as orders
inner join changed
    on orders.order_id = changed.order_id
where
    changed.order_count <> case when orders.is_valid_order then 1 else 0 end
    or changed.amount <> orders.value_{{ var('monetary_basis') }}_revenue
