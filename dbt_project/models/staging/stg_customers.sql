with source as (

    select * from {{ source('raw', 'customers') }}

),

renamed as (

    select
        _file_id as file_id,
        {{ normalise_id('customer_id') }} as customer_id,
        registered_at,
        {{ business_date('registered_at') }} as registered_date,
        region,
        email_hash,
        phone_hash
    from source

)

select * from renamed
