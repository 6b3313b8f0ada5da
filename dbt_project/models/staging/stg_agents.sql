with source as (

    select * from {{ source('raw', 'agents') }}

),

renamed as (

    select
        _file_id as file_id,
        {{ normalise_id('agent_id') }} as agent_id,
        agent_name,
        shop
    from source

)

select * from renamed
