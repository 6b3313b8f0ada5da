with source as (

    select * from {{ source('raw', 'products') }}

),

corrections as (

    select * from {{ ref('base_correction_effects') }}
    where
        dataset = 'products'
        and is_in_force

),

{{ corrected_records(
    'products', normalise_id('source.product_id'), ['_file_id', 'product_id']
) }},

renamed as (

    select
        _file_id as file_id,
        {{ normalise_id('product_id') }} as product_id,
        product_name,
        category,
        list_price
    from corrected

)

select * from renamed
