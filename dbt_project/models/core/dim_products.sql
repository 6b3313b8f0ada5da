with classified_products as (

    select * from {{ ref('int_products_classified') }}

),

products as (

    select * from {{ ref('stg_products') }}

),

order_lines as (

    select * from {{ ref('stg_order_lines') }}
    where product_name is not null

),

listed as (

    select
        product_id,
        max(product_name) as product_name,
        max(category) as category,
        max(list_price) as list_price
    from products
    group by product_id

),

names_used as (

    select
        product_id,
        product_name,
        max(case when quantity > 0 and unit_price > 0 then ordered_at end) as last_sold_at,
        count(*) as line_count
    from order_lines
    where order_date <= (select period.as_of_date from {{ ref('int_reporting_period') }} as period)
    group by product_id, product_name

),

-- The name on the last sale: names on stock corrections say things like "damaged".
ranked_names as (

    select
        product_id,
        product_name,
        row_number() over (
            partition by product_id
            order by
                case when last_sold_at is null then 1 else 0 end asc,
                last_sold_at desc, line_count desc, product_name asc
        ) as name_rank
    from names_used

)

select
    classified_products.product_id,
    coalesce(listed.product_name, ranked_names.product_name) as product_name,
    listed.category,
    {{ money('listed.list_price') }} as list_price,
    classified_products.line_kind
from classified_products
left join listed
    on classified_products.product_id = listed.product_id
left join ranked_names
    on
        classified_products.product_id = ranked_names.product_id
        and ranked_names.name_rank = 1
