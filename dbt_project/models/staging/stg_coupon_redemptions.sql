with source as (

    select * from {{ source('raw', 'coupon_redemptions') }}

),

corrections as (

    select * from {{ ref('base_correction_effects') }}
    where
        dataset = 'coupon_redemptions'
        and is_in_force

),

{{ corrected_records(
    'coupon_redemptions', normalise_id('source.redemption_id'), ['_file_id', 'redemption_id']
) }},

renamed as (

    select
        _file_id as file_id,
        {{ normalise_id('redemption_id') }} as redemption_id,
        {{ normalise_id('send_id') }} as send_id,
        redeemed_at,
        {{ business_date('redeemed_at') }} as redeemed_date,
        paid_amount,
        {{ normalise_id('order_id') }} as order_id,
        discount_amount
    from corrected

)

select * from renamed
