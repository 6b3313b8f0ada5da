with source as (

    select * from {{ source('raw', 'products') }}

),

renamed as (

    select
        _file_id as file_id,
        {{ normalise_id('product_id') }} as product_id,
        product_name,
        category,
        list_price
    from source

)

select * from renamed
