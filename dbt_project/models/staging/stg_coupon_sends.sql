with source as (

    select * from {{ source('raw', 'coupon_sends') }}

),

corrections as (

    select * from {{ ref('base_correction_effects') }}
    where
        dataset = 'coupon_sends'
        and is_in_force

),

{{ corrected_records(
    'coupon_sends', normalise_id('source.send_id'), ['_file_id', 'send_id']
) }},

renamed as (

    select
        _file_id as file_id,
        {{ normalise_id('send_id') }} as send_id,
        {{ normalise_id('campaign_id') }} as campaign_id,
        {{ normalise_id('customer_id') }} as customer_id,
        sent_at,
        {{ business_date('sent_at') }} as sent_date,
        expires_at,
        discount_amount,
        {{ normalise_id('agent_id') }} as agent_id,
        {{ normalise_id('product_id') }} as product_id
    from corrected

)

select * from renamed
