with source as (

    select * from {{ source('raw', 'customers') }}

),

corrections as (

    select * from {{ ref('base_correction_effects') }}
    where
        dataset = 'customers'
        and is_in_force

),

{{ corrected_records(
    'customers', normalise_id('source.customer_id'), ['_file_id', 'customer_id']
) }},

renamed as (

    select
        _file_id as file_id,
        {{ normalise_id('customer_id') }} as customer_id,
        registered_at,
        {{ business_date('registered_at') }} as registered_date,
        region,
        email_hash,
        phone_hash
    from corrected

)

select * from renamed
