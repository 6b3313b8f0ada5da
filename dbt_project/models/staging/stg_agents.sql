with source as (

    select * from {{ source('raw', 'agents') }}

),

corrections as (

    select * from {{ ref('base_correction_effects') }}
    where
        dataset = 'agents'
        and is_in_force

),

{{ corrected_records(
    'agents', normalise_id('source.agent_id'), ['_file_id', 'agent_id']
) }},

renamed as (

    select
        _file_id as file_id,
        {{ normalise_id('agent_id') }} as agent_id,
        agent_name,
        shop
    from corrected

)

select * from renamed
