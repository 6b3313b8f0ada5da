with source as (

    select * from {{ source('raw', 'loaded_files') }}

),

renamed as (

    select
        file_id,
        path as file_path,
        profile,
        dataset,
        status,
        rows_read as read_count,
        rows_kept as kept_count,
        rows_rejected as rejected_count,
        money_read as read_revenue,
        money_kept as kept_revenue,
        money_rejected as rejected_revenue
    from source

)

select * from renamed
