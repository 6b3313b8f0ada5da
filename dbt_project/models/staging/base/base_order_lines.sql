-- Order lines as they landed, before any correction.

with source as (

    select * from {{ source('raw', 'order_lines') }}

),

renamed as (

    select
        _file_id as file_id,
        {{ normalise_id('order_id') }} as order_id,
        line_number,
        {{ normalise_id('product_id') }} as product_id,
        ordered_at,
        {{ business_date('ordered_at') }} as order_date,
        quantity,
        unit_price,
        {{ normalise_id('customer_id') }} as customer_id,
        product_name,
        country,
        channel,
        platform,
        discount_amount,
        paid_amount,
        paid_at,
        coalesce(status, 'completed') as status,
        currency
    from source

)

select * from renamed
