{%- set revenues = ['revenue', 'net_revenue', 'gross_revenue'] %}

with purchase_months as (

    select * from {{ ref('fct_purchase_months') }}

),

months as (

    select * from {{ ref('dim_months') }}

),

first_purchases as (

    select
        customer_id,
        order_month as cohort_month
    from {{ ref('fct_purchase_months') }}
    where state = 'new'

),

cohorts as (

    select
        cohort_month,
        count(*) as cohort_size
    from first_purchases
    group by cohort_month

),

cohort_months as (

    select
        cohorts.cohort_month,
        cohorts.cohort_size,
        months.order_month,
        months.is_partial_month,
        {{ months_between('cohorts.cohort_month', 'months.order_month') }} as age_months
    from cohorts
    inner join months
        on cohorts.cohort_month <= months.order_month

),

-- Money that a customer moved before the first order that counts belongs to the first month.
purchases_by_cohort as (

    select
        first_purchases.cohort_month,
        greatest(purchase_months.order_month, first_purchases.cohort_month) as order_month,
        sum(case when purchase_months.is_purchase_month then 1 else 0 end) as buyer_count,
        sum(purchase_months.revenue) as revenue,
        sum(purchase_months.net_revenue) as net_revenue,
        sum(purchase_months.gross_revenue) as gross_revenue
    from purchase_months
    inner join first_purchases
        on purchase_months.customer_id = first_purchases.customer_id
    group by
        first_purchases.cohort_month,
        greatest(purchase_months.order_month, first_purchases.cohort_month)

),

filled as (

    select
        cohort_months.*,
        coalesce(purchases_by_cohort.buyer_count, 0) as buyer_count,
        coalesce(purchases_by_cohort.revenue, 0) as revenue,
        coalesce(purchases_by_cohort.net_revenue, 0) as net_revenue,
        coalesce(purchases_by_cohort.gross_revenue, 0) as gross_revenue
    from cohort_months
    left join purchases_by_cohort
        on
            cohort_months.cohort_month = purchases_by_cohort.cohort_month
            and cohort_months.order_month = purchases_by_cohort.order_month

),

accumulated as (

    select
        *,
        {%- for revenue in revenues %}
        sum({{ revenue }}) over (
            partition by cohort_month
            order by order_month
            rows between unbounded preceding and current row
        ) as cumulative_{{ revenue }}{{ ',' if not loop.last }}
        {%- endfor %}
    from filled

)

select
    cohort_month,
    cast(age_months as bigint) as age_months,
    order_month,
    cast(cohort_size as bigint) as cohort_size,
    cast(buyer_count as bigint) as buyers,
    {{ ratio('buyer_count', 'cohort_size') }} as retention_rate,
    {{ money('revenue') }} as revenue,
    {{ money('cumulative_revenue') }} as cumulative_revenue,
    {{ ratio('cumulative_revenue', 'cohort_size') }} as cumulative_revenue_per_customer,
    {%- for revenue in ['net_revenue', 'gross_revenue'] %}
    {{ money(revenue) }} as {{ revenue }},
    {{ ratio(revenue, 'cohort_size') }} as {{ revenue }}_per_customer,
    {{ money('cumulative_' ~ revenue) }} as cumulative_{{ revenue }},
    {{ ratio('cumulative_' ~ revenue, 'cohort_size') }}
        as cumulative_{{ revenue }}_per_customer,
    {%- endfor %}
    is_partial_month
from accumulated
