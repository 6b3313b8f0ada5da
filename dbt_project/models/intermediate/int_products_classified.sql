with order_lines as (

    select * from {{ ref('stg_order_lines') }}
    where order_date <= (select period.as_of_date from {{ ref('int_reporting_period') }} as period)

),

products as (

    select * from {{ ref('stg_products') }}

),

line_kinds as (

    select * from {{ ref('line_kinds') }}

),

product_ids as (

    select product_id from order_lines
    union
    select product_id from products

),

matched as (

    select
        product_ids.product_id,
        line_kinds.line_kind,
        row_number() over (
            partition by product_ids.product_id
            order by length(line_kinds.product_code) desc, line_kinds.product_code
        ) as match_rank
    from product_ids
    inner join line_kinds
        on (
            line_kinds.match_type = 'exact'
            and upper(product_ids.product_id) = upper(line_kinds.product_code)
        )
        or (
            line_kinds.match_type = 'prefix'
            and substr(upper(product_ids.product_id), 1, length(line_kinds.product_code))
            = upper(line_kinds.product_code)
        )

),

classified as (

    select
        product_ids.product_id,
        coalesce(matched.line_kind, 'product') as line_kind
    from product_ids
    left join matched
        on
            product_ids.product_id = matched.product_id
            and matched.match_rank = 1

)

select * from classified
