with source as (

    select * from {{ source('raw', 'corrections') }}

),

renamed as (

    select
        _file_id as file_id,
        {{ normalise_id('correction_id') }} as correction_id,
        lower(dataset) as dataset,
        {{ normalise_id('key') }} as record_key,
        action,
        reason,
        author,
        corrected_at,
        lower("column") as column_name,
        value as column_value
    from source

)

select * from renamed
