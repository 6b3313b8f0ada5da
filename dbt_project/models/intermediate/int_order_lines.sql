-- Whole lines: duplicates set aside, numbered, and told apart by kind (what was on the line) and
-- type (what the line does to revenue). A view, because it streams: its readers take the few
-- columns and lines that they need, and core.fct_order_lines is the one copy.

{{ config(materialized='view') }}

with classified_products as (

    select * from {{ ref('int_products_classified') }}

),

numbered as (

    select
        order_date,
        {{ order_line_columns() | join(',\n        ') }}
    from {{ ref('int_input_order_lines') }}
    where
        line_number is not null
        and {{ order_line_hash() }} not in (
            select repeated.line_hash from {{ ref('int_repeated_line_hashes') }} as repeated
        )
    union all
    select
        order_date,
        {{ order_line_columns() | join(',\n        ') }}
    from {{ ref('int_repeated_order_lines') }}
    where line_number is not null
    union all
    select
        order_date,
        {{ order_line_columns() | join(',\n        ') }}
    from {{ ref('int_unnumbered_order_lines') }}

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
        {{ money('abs(' ~ line_value('numbered.quantity', 'numbered.unit_price') ~ ')') }}
            as line_amount
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
