-- Whole lines: duplicates set aside, numbered, dated up to the as-of date, and told apart by kind
-- (what was on the line) and type (what the line does to revenue).

with order_lines as (

    select
        *,
        {{ row_hash(order_line_columns()) }} as line_hash
    from {{ ref('stg_order_lines') }}
    where order_date <= (select period.as_of_date from {{ ref('int_reporting_period') }} as period)

),

repeated_hashes as (

    select * from {{ ref('int_repeated_line_hashes') }}

),

classified_products as (

    select * from {{ ref('int_products_classified') }}

),

unrepeated as (

    select
        order_date,
        {{ order_line_columns() | join(',\n        ') }}
    from order_lines
    where line_hash not in (select repeated_hashes.line_hash from repeated_hashes)

),

repeated as (

    select {{ 'distinct' if var('deduplicate_lines') }}
        order_date,
        {{ order_line_columns() | join(',\n        ') }}
    from order_lines
    where line_hash in (select repeated_hashes.line_hash from repeated_hashes)

),

deduplicated as (

    select * from unrepeated
    union all
    select * from repeated

),

-- The number comes from the line's content, so that the order of rows and files changes nothing.
numbered as (

    select * from deduplicated
    where line_number is not null
    union all
    select
        order_date,
        {%- for column in order_line_columns() %}
        {% if column == 'line_number' -%}
        row_number() over (
            partition by order_id
            order by
                product_id, ordered_at, unit_price, quantity, customer_id, product_name, country,
                channel, platform, discount_amount, paid_amount, paid_at, status, currency
        ) as line_number
        {%- else -%}
        {{ column }}
        {%- endif %}{{ ',' if not loop.last }}
        {%- endfor %}
    from deduplicated
    where line_number is null

),

typed as (

    select
        numbered.*,
        classified_products.line_kind,
        case
            when numbered.unit_price = 0 then 'other'
            when numbered.quantity > 0 and numbered.status <> 'cancellation' then 'sale'
            when numbered.quantity < 0 and classified_products.line_kind = 'discount'
                then 'discount'
            when numbered.quantity < 0 then 'cancellation'
            else 'other'
        end as line_type,
        {{ money('abs(numbered.quantity) * numbered.unit_price') }} as line_amount
    from numbered
    inner join classified_products
        on numbered.product_id = classified_products.product_id

),

valued as (

    select
        order_id,
        line_number,
        customer_id,
        product_id,
        ordered_at,
        order_date,
        line_kind,
        line_type,
        status,
        quantity,
        unit_price,
        line_amount,
        country,
        channel,
        platform,
        paid_amount,
        {{ money("case when line_type = 'sale' then line_amount else 0 end") }} as gross_revenue,
        {{ money("case line_type
            when 'sale' then least(coalesce(discount_amount, 0), line_amount)
            when 'discount' then line_amount
            else 0
        end") }} as discount_revenue
    from typed

)

select * from valued
