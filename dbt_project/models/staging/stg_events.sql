with source as (

    select * from {{ source('raw', 'events') }}

),

corrections as (

    select * from {{ ref('base_correction_effects') }}
    where
        dataset = 'events'
        and is_in_force

),

{{ corrected_records(
    'events', normalise_id('source.event_id'), ['_file_id', 'event_id']
) }},

renamed as (

    select
        _file_id as file_id,
        {{ normalise_id('event_id') }} as event_id,
        {{ normalise_id('customer_id') }} as customer_id,
        event_type,
        {{ normalise_id('product_id') }} as product_id,
        occurred_at,
        {{ business_date('occurred_at') }} as occurred_date,
        {{ normalise_id('session_id') }} as session_id,
        category,
        dwell_seconds
    from corrected

)

select * from renamed
