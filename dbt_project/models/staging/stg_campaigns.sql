with source as (

    select * from {{ source('raw', 'campaigns') }}

),

renamed as (

    select
        _file_id as file_id,
        {{ normalise_id('campaign_id') }} as campaign_id,
        campaign_name,
        starts_at,
        ends_at,
        campaign_type
    from source

)

select * from renamed
