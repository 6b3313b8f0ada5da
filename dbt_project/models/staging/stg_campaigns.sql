with source as (

    select * from {{ source('raw', 'campaigns') }}

),

corrections as (

    select * from {{ ref('base_correction_effects') }}
    where
        dataset = 'campaigns'
        and is_in_force

),

{{ corrected_records(
    'campaigns', normalise_id('source.campaign_id'), ['_file_id', 'campaign_id']
) }},

renamed as (

    select
        _file_id as file_id,
        {{ normalise_id('campaign_id') }} as campaign_id,
        campaign_name,
        starts_at,
        ends_at,
        campaign_type
    from corrected

)

select * from renamed
