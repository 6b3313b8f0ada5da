-- One base currency per warehouse: sums over several would mean nothing. Convert in the profile.

with currencies as (

    select currency
    from {{ ref('stg_order_lines') }}
    where currency is not null
    group by currency

)

select * from currencies
where (select count(*) from currencies) > 1
