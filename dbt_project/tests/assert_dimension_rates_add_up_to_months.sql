-- Numerators and denominators of the rates, added up over the values of a dimension, are those of
-- the month; where the month has none, no value has one.

with summed as (

    select
        dimension,
        order_month,
        sum(repeat_buyers) as repeat_buyers,
        sum(buyers_last_month) as buyers_last_month,
        sum(buyers_again) as buyers_again,
        sum(inactive_last_month) as inactive_last_month,
        sum(reactivated_buyers) as reactivated_buyers,
        sum(new_buyers) as new_buyers
    from {{ ref('rpt_purchase_rates_by_dimension') }}
    group by dimension, order_month

)

select
    summed.dimension,
    months.order_month
from {{ ref('rpt_purchase_rates_by_month') }} as months
inner join summed
    on months.order_month = summed.order_month
where
    months.repeat_buyers <> summed.repeat_buyers
    or months.new_buyers <> summed.new_buyers
    or months.buyers_last_month is distinct from summed.buyers_last_month
    or months.buyers_again is distinct from summed.buyers_again
    or months.inactive_last_month is distinct from summed.inactive_last_month
    or months.reactivated_buyers is distinct from summed.reactivated_buyers
