with source as (

    select * from {{ source('raw', 'rejected_rows') }}

),

renamed as (

    select
        file_id,
        dataset,
        row_number as record_number,
        column_name,
        reason
    from source

)

select * from renamed
