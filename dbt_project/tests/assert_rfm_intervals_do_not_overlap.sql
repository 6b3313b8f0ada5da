-- A customer is in one interval on a date, and neighbouring ones say different things.

with compared as (

    select
        *,
        lead(valid_from) over (partition by customer_id order by valid_from) as next_from,
        lead(first_order_date) over (partition by customer_id order by valid_from)
            as next_first_order_date,
        lead(last_order_date) over (partition by customer_id order by valid_from)
            as next_last_order_date,
        lead(frequency) over (partition by customer_id order by valid_from) as next_frequency,
        lead(monetary) over (partition by customer_id order by valid_from) as next_monetary
    from {{ ref('fct_rfm_intervals') }}
    where {{ is_touched('customer_id') }}

)

select
    customer_id,
    valid_from,
    valid_until,
    next_from
from compared
where
    next_from < valid_until
    or (
        next_from = valid_until
        and first_order_date = next_first_order_date
        and last_order_date = next_last_order_date
        and frequency = next_frequency
        and monetary = next_monetary
    )
