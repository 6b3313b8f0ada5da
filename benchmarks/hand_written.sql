-- The published tables of core, lifecycle, rfm and sales by hand, in one session and in DuckDB's
-- own dialect. Belongs here: everything from rows of text to the tables. Does not belong here:
-- reading the files and opening the database (hand_written.py), which makes the views order_rows,
-- customer_rows and product_rows (columns of text), the lookup tables and the variable `basis`.
-- Settings stand at their defaults: as-of date = last date, window 365 days, five bins, 24 month
-- ends, cuts fitted to every snapshot.

create schema core;
create schema lifecycle;
create schema rfm;
create schema sales;

create temp macro month(d) as date_trunc('month', d)::date;
create temp macro months_apart(a, b) as
    ((year(b) - year(a)) * 12 + month_number(b) - month_number(a));
create temp macro month_number(d) as extract('month' from d);
create temp macro plain_id(id) as
    case when suffix(id, '.0') then regexp_replace(id, '^(\d+)\.0$', '\1') else id end;
create temp macro share(part, whole) as part::double / nullif(whole::double, 0);

-- Lines: typed, without broken rows, duplicates and lines that lack a number -------------------

create temp table lines as
select
    order_id,
    line_number::bigint as line_number,
    product_id,
    ordered_at,
    ordered_at::date as order_date,
    quantity::bigint as quantity,
    unit_price,
    customer_id,
    product_name,
    country,
    channel,
    platform,
    discount_amount,
    status
from (
    select
        plain_id(order_id) as order_id,
        plain_id(product_id) as product_id,
        plain_id(customer_id) as customer_id,
        try_cast(line_number as double) as line_number,
        try_cast(ordered_at as timestamp) as ordered_at,
        try_cast(quantity as double) as quantity,
        try_cast(unit_price as decimal(18, 4)) as unit_price,
        try_cast(discount_amount as decimal(18, 4)) as discount_amount,
        line_number is null as lacks_number,
        discount_amount is null as lacks_discount,
        product_name,
        country,
        channel,
        platform,
        coalesce(lower(status), 'completed') as status
    from order_rows
)
where
    order_id is not null
    and product_id is not null
    and ordered_at >= timestamp '1990-01-01'
    and ordered_at < timestamp '2100-01-01'
    and quantity = trunc(quantity)
    and abs(quantity) <= 1e9
    and unit_price between 0 and 999999999.9999
    and abs(quantity * unit_price::double) < 1e12
    and (lacks_number or (line_number = trunc(line_number) and line_number between 0 and 1e9))
    and (lacks_discount or discount_amount between 0 and 999999999.9999)
    and status in ('completed', 'cancellation', 'refunded');

create temp table product_names as
select
    product_id,
    product_name,
    max(ordered_at) filter (where quantity > 0 and unit_price > 0) as last_sold_at,
    count(*) as lines
from lines
group by product_id, product_name;

-- Whole lines are compared only where a short hash occurs twice.
create temp table suspects as
select hash(order_id, line_number, product_id, quantity) as line_hash
from lines
group by line_hash
having count(*) > 1;

create temp table repeated as
select distinct * from lines
where hash(order_id, line_number, product_id, quantity) in (from suspects);

delete from lines
where hash(order_id, line_number, product_id, quantity) in (from suspects);

insert into lines from repeated;

update lines
set line_number = numbered.line_number
from (
    select
        rowid as row_id,
        row_number() over (
            partition by order_id
            order by
                ordered_at, product_id, quantity, unit_price, customer_id nulls last,
                product_name nulls last, country nulls last, channel nulls last,
                platform nulls last, discount_amount nulls last, status
        ) + coalesce(highest.line_number, 0) as line_number
    from lines
    left join (
        select order_id, max(line_number) as line_number
        from lines
        where line_number is not null
            and order_id in (select order_id from lines where line_number is null)
        group by order_id
    ) as highest using (order_id)
    where lines.line_number is null
) as numbered
where lines.rowid = numbered.row_id;

create temp table period as
select
    min(order_date) as first_date,
    max(order_date) as as_of_date,
    month(min(order_date)) as first_month,
    month(max(order_date)) as as_of_month
from lines;

-- Products --------------------------------------------------------------------------------------

create temp table kinds as
select
    product_id,
    coalesce(arg_max(line_kind, length(product_code)), 'product') as line_kind,
    coalesce(arg_max(line_kind, length(product_code)), 'product')
    in ('product', 'shipping', 'manual', 'voucher', 'discount') as is_value
from (select product_id from product_names union select product_id from product_rows) as products
left join line_kinds
    on upper(product_id) = upper(product_code)
    or (match_type = 'prefix' and starts_with(upper(product_id), upper(product_code)))
group by product_id;

create table core.dim_products as
select
    kinds.product_id,
    coalesce(listed.product_name, named.product_name) as product_name,
    listed.category,
    listed.list_price,
    kinds.line_kind
from kinds
left join (
    select
        product_id,
        max(product_name) as product_name,
        max(category) as category,
        max(try_cast(list_price as decimal(18, 4))) as list_price
    from product_rows
    group by product_id
) as listed using (product_id)
left join (
    select product_id, product_name
    from product_names
    where product_name is not null
    qualify row_number() over (
        partition by product_id
        order by last_sold_at desc nulls last, lines desc, product_name
    ) = 1
) as named using (product_id);

-- Cancellations: every return with the sale it undoes --------------------------------------------

create temp table backs as
select
    lines.*,
    kinds.line_kind,
    (-quantity::int * unit_price)::decimal(18, 4) as amount
from lines
join kinds using (product_id)
where quantity < 0 and unit_price > 0 and kinds.line_kind <> 'discount';

-- Sales worth looking at: refunded ones, those with a returned (customer, product, price), and
-- those that a manual credit of the same amount may be about.
create temp view sales_of_lines as
from lines where quantity > 0 and unit_price > 0 and status <> 'cancellation';

create temp table candidates as
select
    found.*,
    line_kind,
    (quantity::int * unit_price)::decimal(18, 4) as amount,
    (quantity::int * unit_price
        - least(coalesce(discount_amount, 0), quantity::int * unit_price))::decimal(18, 4) as revenue
from (
    from sales_of_lines where status = 'refunded'
    union
    from sales_of_lines semi join backs using (customer_id, product_id, unit_price)
    union
    from sales_of_lines
    where customer_id in (select customer_id from backs where line_kind = 'manual')
) as found
join kinds using (product_id);

-- First in, first out: cumulative pieces sold and taken back per customer, product and price are
-- ranges, and ranges that overlap belong together. What comes back before it was sold (the highest
-- excess so far) takes part in nothing.
create temp macro first_in_first_out(events) as table
with summed as (
    select
        *,
        sum(greatest(pieces, 0)) over in_time as sold,
        sum(greatest(-pieces, 0)) over in_time as returned
    from query_table(events)
    window in_time as (
        partition by customer_id, product_id, unit_price
        order by ordered_at, pieces < 0, order_id, line_number
        rows unbounded preceding
    )
),

placed as (
    select
        *,
        returned - greatest(0, max(returned - sold) over (
            partition by customer_id, product_id, unit_price
            order by ordered_at, pieces < 0, order_id, line_number
            rows unbounded preceding
        )) as place
    from summed
),

taken as (
    select
        *,
        coalesce(lag(place) over (
            partition by customer_id, product_id, unit_price
            order by ordered_at, pieces < 0, order_id, line_number
        ), 0) as last_place
    from placed
)

select
    back.order_id as back_order,
    back.line_number as back_line,
    sale.order_id as sale_order,
    sale.line_number as sale_line,
    (greatest(sale.sold - sale.pieces, back.last_place) - sale.sold + sale.pieces)::bigint
        as first_piece,
    (least(sale.sold, back.place) - sale.sold + sale.pieces)::bigint as last_piece
from taken as back
join taken as sale using (customer_id, product_id, unit_price)
where back.pieces < 0
    and sale.pieces > 0
    and back.place > back.last_place
    and back.last_place < sale.sold
    and back.place > sale.sold - sale.pieces;

create temp table events as
select order_id, line_number, customer_id, product_id, unit_price, ordered_at, line_kind, pieces
from (
    select *, quantity as pieces from backs where customer_id is not null
    union all by name
    select *, quantity as pieces from candidates
    semi join backs using (customer_id, product_id, unit_price)
    where status <> 'refunded'
);

create temp table manual_events as from events where line_kind = 'manual';

create temp table manual_matches as from first_in_first_out('manual_events');

-- A manual credit without a sale of its own takes the earliest sale of its amount in the three days
-- before of which nothing came back in between; credits in time order, a sale once.
create temp table credits as
with recursive options as (
    select
        credit.customer_id,
        credit.amount,
        credit.order_id as back_order,
        credit.line_number as back_line,
        credit.ordered_at as credited_at,
        list((sale.order_id, sale.line_number) order by
            sale.ordered_at, sale.order_id, sale.line_number) as sales
    from backs as credit
    join candidates as sale
        on sale.customer_id = credit.customer_id
        and sale.amount = credit.amount
        and credit.ordered_at between sale.ordered_at and sale.ordered_at + interval 3 days
    where credit.line_kind = 'manual'
        and sale.line_kind <> 'manual'
        and sale.status <> 'refunded'
        and (credit.order_id, credit.line_number)
        not in (select distinct (back_order, back_line) from manual_matches)
        and not exists (
            from backs as own
            where own.customer_id = sale.customer_id
                and own.product_id = sale.product_id
                and own.unit_price = sale.unit_price
                and own.ordered_at between sale.ordered_at and credit.ordered_at
        )
    group by all
),

queued as (
    select
        *,
        row_number() over (
            partition by customer_id, amount order by credited_at, back_order, back_line
        ) as turn
    from options
),

served as (
    select customer_id, amount, back_order, back_line, turn, sales[1] as sale, [sales[1]] as gone
    from queued
    where turn = 1
    union all
    select
        queued.customer_id,
        queued.amount,
        queued.back_order,
        queued.back_line,
        queued.turn,
        list_filter(queued.sales, lambda sale: not list_contains(served.gone, sale))[1],
        list_append(
            served.gone,
            list_filter(queued.sales, lambda sale: not list_contains(served.gone, sale))[1]
        )
    from served
    join queued
        on queued.customer_id = served.customer_id
        and queued.amount = served.amount
        and queued.turn = served.turn + 1
)

select back_order, back_line, sale[1] as sale_order, sale[2] as sale_line
from served
where sale is not null;

create temp table open_events as
from events
where not (pieces < 0
        and (order_id, line_number) in (select (back_order, back_line) from credits))
    and not (pieces > 0
        and (order_id, line_number) in (select (sale_order, sale_line) from credits));

create temp table matches as
select *, 'same_product_and_price' as match_rule
from first_in_first_out('open_events')
union all
select
    back_order, back_line, sale_order, sale_line, 0, sale.quantity, 'manual_credit'
from credits
join candidates as sale on sale.order_id = sale_order and sale.line_number = sale_line
union all
select order_id, line_number, order_id, line_number, 0, quantity, 'refunded_status'
from candidates
where status = 'refunded';

create table core.fct_cancellations as
with pieces as (
    select
        back_order,
        back_line,
        sale_order,
        sale_line,
        match_rule,
        last_piece - first_piece as quantity,
        ((sale.revenue * 10000)::hugeint * last_piece // sale.quantity
            - (sale.revenue * 10000)::hugeint * first_piece // sale.quantity
        )::decimal(38, 4) / 10000 as revenue,
        sale.line_kind,
        sale.ordered_at,
        sale.order_date
    from matches
    join candidates as sale on sale.order_id = sale_order and sale.line_number = sale_line
    union all by name
    select
        order_id as back_order,
        line_number as back_line,
        'unmatched' as match_rule,
        -backs.quantity - coalesce(found.quantity, 0) as quantity
    from backs
    left join (
        select back_order, back_line, sum(last_piece - first_piece) as quantity,
            bool_or(match_rule = 'manual_credit') as is_credit
        from matches
        group by back_order, back_line
    ) as found on back_order = order_id and back_line = line_number
    where not coalesce(is_credit, false)
        and -backs.quantity > coalesce(found.quantity, 0)
),

cancelling as (
    select order_id, line_number, customer_id, product_id, line_kind, ordered_at, order_date,
        unit_price
    from backs
    union all
    select order_id, line_number, customer_id, product_id, line_kind, ordered_at, order_date,
        unit_price
    from candidates
    where status = 'refunded'
)

select
    concat(back_order, '/', back_line, '>', sale_order, '/', sale_line) as cancellation_id,
    back_order as cancelling_order_id,
    back_line as cancelling_line_number,
    sale_order as cancelled_order_id,
    sale_line as cancelled_line_number,
    match_rule,
    customer_id,
    product_id,
    coalesce(pieces.line_kind, cancelling.line_kind) as line_kind,
    cancelling.ordered_at as cancelled_at,
    cancelling.order_date as cancellation_date,
    pieces.ordered_at as cancelled_ordered_at,
    pieces.order_date as cancelled_order_date,
    pieces.quantity::bigint as quantity,
    unit_price,
    coalesce(revenue, pieces.quantity * unit_price)::decimal(18, 4) as revenue
from pieces
join cancelling on order_id = back_order and line_number = back_line;

-- Lines and orders with what is left of them -------------------------------------------------------

create table core.fct_order_lines as
with returned as (
    select
        coalesce(cancelled_order_id, cancelling_order_id) as order_id,
        coalesce(cancelled_line_number, cancelling_line_number) as line_number,
        sum(quantity) filter (where cancelled_order_id is not null) as pieces,
        sum(revenue) as revenue
    from core.fct_cancellations
    group by all
),

typed as (
    select
        lines.*,
        line_kind,
        case
            when unit_price = 0 or quantity = 0 then 'other'
            when quantity > 0 then if(status = 'cancellation', 'other', 'sale')
            when line_kind = 'discount' then 'discount'
            else 'cancellation'
        end as line_type,
        (abs(quantity::int) * unit_price)::decimal(18, 4) as amount
    from lines
    join kinds using (product_id)
),

valued as (
    select
        *,
        if(line_type = 'sale', amount, 0)::decimal(18, 4) as gross_revenue,
        case line_type
            when 'sale' then least(coalesce(discount_amount, 0), amount)
            when 'discount' then amount
            else 0
        end::decimal(18, 4) as discount_revenue
    from typed
)

select
    order_id,
    line_number,
    customer_id,
    product_id,
    ordered_at,
    order_date,
    line_kind,
    line_type,
    quantity,
    unit_price,
    coalesce(pieces, 0)::bigint as cancelled_quantity,
    gross_revenue,
    coalesce(revenue, 0)::decimal(18, 4) as returned_revenue,
    discount_revenue,
    (gross_revenue - discount_revenue - coalesce(revenue, 0))::decimal(18, 4) as net_revenue
from valued
left join returned using (order_id, line_number);

create table core.fct_orders as
with booked as (
    select
        order_id,
        min(customer_id) as customer_id,
        coalesce(min(customer_id) <> max(customer_id), false) as has_several_customers,
        min(ordered_at) as ordered_at,
        min(order_date) as order_date,
        max(order_date) as last_line_date,
        min(country) as country,
        min(channel) as channel,
        min(platform) as platform,
        count(*) as line_count,
        sum(quantity)::bigint as unit_count,
        sum(amount) as gross,
        sum(discount) as discount,
        sum(amount) filter (where is_value) as value_gross,
        sum(discount) filter (where is_value) as value_discount
    from (
        select
            lines.*,
            is_value,
            (quantity::int * unit_price)::decimal(18, 4) as amount,
            least(coalesce(discount_amount, 0), quantity::int * unit_price)::decimal(18, 4) as discount
        from lines
        join kinds using (product_id)
        where quantity > 0 and unit_price > 0 and status <> 'cancellation'
    )
    group by order_id
),

returned as (
    select
        cancelled_order_id as order_id,
        sum(quantity)::bigint as pieces,
        sum(revenue) as revenue,
        sum(revenue) filter (where line_kind in (select line_kind from kinds where is_value))
            as value_revenue
    from core.fct_cancellations
    where cancelled_order_id is not null
    group by order_id
)

select
    order_id,
    customer_id,
    has_several_customers,
    ordered_at,
    order_date,
    last_line_date,
    country,
    channel,
    platform,
    line_count,
    unit_count,
    coalesce(pieces, 0) as cancelled_unit_count,
    gross::decimal(18, 4) as gross_revenue,
    coalesce(revenue, 0)::decimal(18, 4) as returned_revenue,
    discount::decimal(18, 4) as discount_revenue,
    (gross - returned_revenue - discount)::decimal(18, 4) as net_revenue,
    coalesce(value_gross, 0)::decimal(18, 4) as value_gross_revenue,
    coalesce(value_revenue, 0)::decimal(18, 4) as value_returned_revenue,
    coalesce(value_discount, 0)::decimal(18, 4) as value_discount_revenue,
    (value_gross_revenue - value_returned_revenue - value_discount_revenue)::decimal(18, 4)
        as value_net_revenue,
    null::decimal(18, 4) as paid_amount,
    cancelled_unit_count = unit_count as is_fully_cancelled,
    if(getvariable('basis') = 'gross', value_gross_revenue, value_net_revenue) > 0
        as is_valid_order
from booked
left join returned using (order_id);

drop view sales_of_lines;

drop table lines;

-- Customers ------------------------------------------------------------------------------------------

create table core.dim_customers as
with registered as (
    select
        customer_id,
        min(try_cast(registered_at as timestamp)::date) as registered_date,
        max(region) as region
    from customer_rows
    where customer_id is not null
        and coalesce(try_cast(registered_at as timestamp)::date <= (select as_of_date from period),
            registered_at is null)
    group by customer_id
),

ordering as (
    select
        customer_id,
        min(order_date) as first_order_date,
        max(order_date) as last_order_date,
        arg_max(country, (ordered_at, order_id)) as country,
        arg_min({'country': country, 'channel': channel}, (ordered_at, order_id)) as first_order,
        count(*) as orders,
        count(*) filter (where is_fully_cancelled) as cancelled_orders,
        count(*) filter (where is_valid_order) as valid_orders,
        sum(value_gross_revenue) as gross,
        sum(value_returned_revenue) as returned,
        sum(value_discount_revenue) as discount
    from core.fct_orders
    where customer_id is not null
    group by customer_id
),

outside as (
    select
        customer_id,
        sum(discount_revenue) filter (where is_value) as discount
    from core.fct_order_lines
    join kinds using (product_id)
    where line_type <> 'sale' and customer_id is not null
    group by customer_id
),

unmatched as (
    select customer_id, sum(revenue) as returned
    from core.fct_cancellations
    where cancelled_order_id is null and customer_id is not null
        and line_kind in (select line_kind from kinds where is_value)
    group by customer_id
)

select
    customer_id,
    country,
    first_order.country as first_country,
    first_order.channel as first_channel,
    region,
    registered.customer_id is not null as is_registered,
    registered_date,
    first_order_date,
    last_order_date,
    coalesce(orders, 0) as order_count,
    coalesce(cancelled_orders, 0) as cancelled_order_count,
    coalesce(valid_orders, 0) as valid_order_count,
    coalesce(gross, 0)::decimal(18, 4) as gross_revenue,
    (coalesce(ordering.returned, 0) + coalesce(unmatched.returned, 0))::decimal(18, 4)
        as returned_revenue,
    (coalesce(ordering.discount, 0) + coalesce(outside.discount, 0))::decimal(18, 4)
        as discount_revenue,
    (gross_revenue - returned_revenue - discount_revenue)::decimal(18, 4) as net_revenue
from ordering
full join outside using (customer_id)
full join registered using (customer_id)
left join unmatched using (customer_id);

-- Ledger: what an order is worth and since when, one row for most orders ----------------------------

-- Numbers in the place of texts, for whatever is sorted and joined by customer from here on.
create temp table customer_keys as
select customer_id, row_number() over ()::integer as customer_key
from core.dim_customers;

create temp table value_cancellations as
from core.fct_cancellations where line_kind in (select line_kind from kinds where is_value);

-- Orders that change after their first date: lines on several dates, or something undone.
create temp table moving as
select order_id, customer_id, order_date
from core.fct_orders
where customer_id is not null
    and (
        order_date <> last_line_date
        or (
            getvariable('basis') = 'net'
            and order_id in (select cancelled_order_id from value_cancellations)
        )
    );

create temp table ledger as
with entries as (
with changes as (
    select order_id, order_date as known_date, gross_revenue as gross,
        gross_revenue - discount_revenue as net
    from core.fct_order_lines
    where line_type = 'sale'
        and order_id in (select order_id from moving)
        and line_kind in (select line_kind from kinds where is_value)
    union all
    select cancelled_order_id, cancellation_date, 0, -revenue
    from value_cancellations
    where cancelled_order_id in (select order_id from moving)
),

daily as (
    select order_id, known_date, sum(gross) as gross, sum(net) as net,
        sum(if(getvariable('basis') = 'gross', gross, net)) as amount
    from changes
    group by order_id, known_date
),

running as (
    select *, sum(amount) over (partition by order_id order by known_date) as worth
    from daily
)

select order_id, customer_id, order_date as effective_date, order_date as known_date,
    value_gross_revenue as gross,
    (value_gross_revenue - value_discount_revenue)::decimal(18, 4) as net,
    (if(getvariable('basis') = 'gross', gross, net) > 0)::integer as orders,
    false as is_moving
from core.fct_orders
where customer_id is not null and order_id not in (select order_id from moving)
union all
select order_id, customer_id, order_date, known_date, gross, net,
    (worth > 0)::integer - (worth - amount > 0)::integer, true
from running
join moving using (order_id)
union all
select order_id, customer_id, known_date, known_date, 0, -sum(amount), 0, false
from (
    select cancelling_order_id as order_id, customer_id, cancellation_date as known_date,
        revenue as amount
    from value_cancellations
    where cancelled_order_id is null
    union all
    select order_id, customer_id, order_date, discount_revenue
    from core.fct_order_lines
    where line_type = 'discount'
        and line_kind in (select line_kind from kinds where is_value)
    union all
    -- Gross counts the order as booked; what is undone still lowers net.
    select cancelling_order_id, coalesce(undone.customer_id, orders.customer_id),
        cancellation_date, revenue
    from value_cancellations as undone
    join core.fct_orders as orders on orders.order_id = cancelled_order_id
    where getvariable('basis') = 'gross' and cancelled_order_id not in (select order_id from moving)
)
where customer_id is not null
group by order_id, customer_id, known_date
)

select customer_key, order_id, effective_date, known_date, orders, is_moving,
    gross::decimal(18, 4) as gross, net::decimal(18, 4) as net,
    if(getvariable('basis') = 'gross', gross, net)::decimal(18, 4) as amount
from entries
join customer_keys using (customer_id);

-- Months and states ------------------------------------------------------------------------------------

create table lifecycle.dim_months as
select
    unnest(generate_series(first_month, as_of_month, interval 1 month))::date as order_month,
    order_month = as_of_month and as_of_date <> last_day(as_of_date) as is_partial_month,
    order_month = first_month as is_left_censored_month
from period;

create temp table month_sums as
select
    customer_key,
    month(known_date) as order_month,
    coalesce(sum(orders) filter (where month(effective_date) = month(known_date)), 0)::bigint
        as order_count,
    sum(gross)::decimal(18, 4) as gross_revenue,
    sum(net)::decimal(18, 4) as net_revenue
from ledger
group by customer_key, month(known_date);

create temp table purchase_months as
select
    *,
    case
        when last_month is null then 'new'
        when last_month + interval 1 month = order_month then 'active'
        else 'reactivated'
    end as state
from (
    select *, lag(order_month) over by_month as last_month, lead(order_month) over by_month
        as next_month
    from month_sums
    where order_count > 0
    window by_month as (partition by customer_key order by order_month)
);

create table lifecycle.fct_purchase_months as
select
    customer_id,
    order_month,
    state,
    is_purchase_month,
    order_count,
    if(getvariable('basis') = 'gross', gross_revenue, net_revenue) as revenue,
    gross_revenue,
    net_revenue,
    next_month as next_purchase_month
from (
    select *, true as is_purchase_month from purchase_months
    union all by name
    -- Money moved without a purchase: inactive after the first one, nothing before it.
    select month_sums.*, false as is_purchase_month,
        if(first_month < order_month, 'inactive', null) as state
    from month_sums
    left join (
        select customer_key, order_month as first_month from purchase_months where state = 'new'
    ) using (customer_key)
    where order_count <= 0
)
join customer_keys using (customer_key);

create view lifecycle.fct_customer_months as
with last as (select max(order_month) as month, min(order_month) as first_month
    from lifecycle.dim_months),

quiet as (
    select
        customer_id,
        unnest(generate_series(
            order_month + interval 1 month,
            coalesce(next_purchase_month - interval 1 month, (select month from last)),
            interval 1 month
        ))::date as order_month,
        'inactive' as state
    from lifecycle.fct_purchase_months
    where is_purchase_month
    union all
    select
        customer_id,
        unnest(generate_series(
            greatest(date_trunc('month', registered_date), (select first_month from last)),
            coalesce(
                first_purchase.order_month - interval 1 month, (select month from last)
            ),
            interval 1 month
        ))::date,
        'prospect'
    from core.dim_customers
    left join (from lifecycle.fct_purchase_months where state = 'new') as first_purchase
        using (customer_id)
    where is_registered
)

select customer_id, order_month, state, order_count, revenue
from lifecycle.fct_purchase_months
where is_purchase_month
union all
select customer_id, order_month, quiet.state, 0, coalesce(revenue, 0)::decimal(18, 4)
from quiet
left join (from lifecycle.fct_purchase_months where not is_purchase_month) as returns
    using (customer_id, order_month);

-- Counts of months by the two dimensions of a customer's first order; all totals follow from them.
-- Money that moved before the month of the first order is of no country and channel yet.
create temp table state_counts as
select
    if(month(first_order_date) > order_month, 'unknown', coalesce(first_country, 'unknown'))
        as country,
    if(month(first_order_date) > order_month, 'unknown', coalesce(first_channel, 'unknown'))
        as channel,
    order_month,
    count(*) filter (where state = 'new') as new,
    count(*) filter (where state = 'active') as active,
    count(*) filter (where state = 'reactivated') as reactivated,
    count(*) filter (where purchases.order_count > 1) as repeat_buyers,
    sum(purchases.order_count) as orders,
    sum(revenue) as revenue
from lifecycle.fct_purchase_months as purchases
join core.dim_customers using (customer_id)
group by all;

-- Prospects: one more in the month from which somebody is known, one less in the first purchase's.
create temp table prospect_counts as
with first_purchases as (
    from lifecycle.fct_purchase_months where state = 'new'
),

steps as (
    select
        greatest(month(coalesce(registered_date, date '1900-01-01')), first_month) as from_month,
        order_month as until_month
    from core.dim_customers
    cross join period
    left join first_purchases using (customer_id)
    where is_registered
),

changes as (
    select from_month as order_month, count(*) as change
    from steps
    where until_month is null or from_month < until_month
    group by all
    union all
    select until_month, -count(*)
    from steps
    where from_month < until_month
    group by all
)

select order_month, coalesce(sum(sum(change)) over (order by order_month), 0)::bigint as prospects
from lifecycle.dim_months
left join changes using (order_month)
group by order_month;

create table lifecycle.rpt_lifecycle_by_month as
with counted as (
    select order_month, sum(new) as new, sum(active) as active, sum(reactivated) as reactivated
    from state_counts
    group by order_month
),

filled as (
    select
        order_month,
        coalesce(new, 0)::bigint as new,
        coalesce(active, 0)::bigint as active,
        coalesce(reactivated, 0)::bigint as reactivated,
        (coalesce(new, 0) + coalesce(active, 0) + coalesce(reactivated, 0))::bigint as buyers,
        prospects,
        is_partial_month,
        is_left_censored_month
    from lifecycle.dim_months
    left join counted using (order_month)
    left join prospect_counts using (order_month)
)

select
    order_month,
    new,
    active,
    reactivated,
    (sum(new) over by_month - buyers)::bigint as inactive,
    (lag(buyers, 1, 0) over by_month - active)::bigint as newly_lapsed,
    buyers,
    (sum(new) over by_month)::bigint as customers,
    prospects,
    is_partial_month,
    is_left_censored_month
from filled
window by_month as (order by order_month);

create table lifecycle.rpt_purchase_rates_by_month as
with summed as (
    select order_month, sum(orders) as orders, sum(revenue) as revenue,
        sum(repeat_buyers) as repeat_buyers
    from state_counts
    group by order_month
)

select
    order_month,
    buyers,
    coalesce(orders, 0)::bigint as orders,
    coalesce(revenue, 0)::decimal(18, 4) as revenue,
    coalesce(repeat_buyers, 0)::bigint as repeat_buyers,
    lag(buyers) over by_month as buyers_last_month,
    if(buyers_last_month is null, null, active) as buyers_again,
    lag(inactive) over by_month as inactive_last_month,
    if(inactive_last_month is null, null, reactivated) as reactivated_buyers,
    new as new_buyers,
    share(coalesce(repeat_buyers, 0), buyers) as repeat_purchase_rate,
    share(active, lag(buyers) over by_month) as retention_rate,
    share(reactivated, lag(inactive) over by_month) as reactivation_rate,
    share(new, buyers) as new_buyer_share,
    share(reactivated, buyers) as reactivated_share,
    is_partial_month,
    is_left_censored_month
from lifecycle.rpt_lifecycle_by_month
left join summed using (order_month)
window by_month as (order by order_month);

create table lifecycle.rpt_lifecycle_by_dimension as
with values_by_month as (
    select
        if(grouping(country) = 0, 'country', 'channel') as dimension,
        coalesce(country, channel) as dimension_value,
        order_month,
        sum(new) as new,
        sum(active) as active,
        sum(reactivated) as reactivated,
        sum(repeat_buyers) as repeat_buyers,
        sum(orders) as orders,
        0 as prospects,
        sum(revenue) as revenue
    from state_counts
    group by grouping sets ((country, order_month), (channel, order_month))
    union all by name
    select unnest(['country', 'channel']) as dimension, 'unknown' as dimension_value, order_month,
        prospects
    from prospect_counts
    where prospects > 0
),

summed as (
    select dimension, dimension_value, order_month, sum(new) as new, sum(active) as active,
        sum(reactivated) as reactivated, sum(repeat_buyers) as repeat_buyers,
        sum(orders) as orders, sum(prospects) as prospects, sum(revenue) as revenue
    from values_by_month
    group by all
),

spans as (
    select dimension, dimension_value, min(order_month) as first_month
    from summed
    group by all
),

filled as (
    select
        dimension,
        dimension_value,
        order_month,
        coalesce(new, 0) as new,
        coalesce(active, 0) as active,
        coalesce(reactivated, 0) as reactivated,
        coalesce(new, 0) + coalesce(active, 0) + coalesce(reactivated, 0) as buyers,
        coalesce(repeat_buyers, 0) as repeat_buyers,
        coalesce(orders, 0) as orders,
        coalesce(prospects, 0) as prospects,
        coalesce(revenue, 0) as revenue,
        is_partial_month,
        is_left_censored_month
    from spans
    join lifecycle.dim_months on order_month >= first_month
    left join summed using (dimension, dimension_value, order_month)
)

select
    dimension,
    dimension_value,
    order_month,
    new::bigint as new,
    active::bigint as active,
    reactivated::bigint as reactivated,
    (sum(new) over by_month - buyers)::bigint as inactive,
    (lag(buyers, 1, 0) over by_month - active)::bigint as newly_lapsed,
    buyers::bigint as buyers,
    repeat_buyers::bigint as repeat_buyers,
    (sum(new) over by_month)::bigint as customers,
    prospects::bigint as prospects,
    orders::bigint as orders,
    revenue::decimal(18, 4) as revenue,
    is_partial_month,
    is_left_censored_month
from filled
window by_month as (partition by dimension, dimension_value order by order_month);

create table lifecycle.rpt_purchase_rates_by_dimension as
with compared as (
    select
        *,
        if(is_left_censored_month, null, lag(buyers, 1, 0) over by_month) as buyers_last_month,
        if(is_left_censored_month, null, lag(inactive, 1, 0) over by_month) as inactive_last_month
    from lifecycle.rpt_lifecycle_by_dimension
    window by_month as (partition by dimension, dimension_value order by order_month)
)

select
    dimension,
    dimension_value,
    order_month,
    buyers,
    orders,
    revenue,
    repeat_buyers,
    buyers_last_month,
    if(buyers_last_month is null, null, active) as buyers_again,
    inactive_last_month,
    if(inactive_last_month is null, null, reactivated) as reactivated_buyers,
    new as new_buyers,
    share(repeat_buyers, buyers) as repeat_purchase_rate,
    share(active, buyers_last_month) as retention_rate,
    share(reactivated, inactive_last_month) as reactivation_rate,
    share(new, buyers) as new_buyer_share,
    share(reactivated, buyers) as reactivated_share,
    is_partial_month,
    is_left_censored_month
from compared;

-- Money moved before the first purchase belongs to the month of the first purchase.
create table lifecycle.rpt_cohort_retention as
with first_purchases as (
    select customer_id, order_month as cohort_month
    from lifecycle.fct_purchase_months
    where state = 'new'
),

cohorts as (
    select cohort_month, count(*) as cohort_size from first_purchases group by cohort_month
),

summed as (
    select
        cohort_month,
        greatest(order_month, cohort_month) as order_month,
        count(*) filter (where is_purchase_month) as buyers,
        sum(revenue) as revenue,
        sum(net_revenue) as net_revenue,
        sum(gross_revenue) as gross_revenue
    from lifecycle.fct_purchase_months
    join first_purchases using (customer_id)
    group by all
),

filled as (
    select
        cohort_month,
        months_apart(cohort_month, order_month)::bigint as age_months,
        order_month,
        cohort_size,
        coalesce(buyers, 0) as buyers,
        coalesce(revenue, 0)::decimal(18, 4) as revenue,
        coalesce(net_revenue, 0)::decimal(18, 4) as net_revenue,
        coalesce(gross_revenue, 0)::decimal(18, 4) as gross_revenue,
        is_partial_month
    from cohorts
    join lifecycle.dim_months on order_month >= cohort_month
    left join summed using (cohort_month, order_month)
)

select
    cohort_month,
    age_months,
    order_month,
    cohort_size,
    buyers,
    share(buyers, cohort_size) as retention_rate,
    revenue,
    (sum(revenue) over by_age)::decimal(18, 4) as cumulative_revenue,
    share(sum(revenue) over by_age, cohort_size) as cumulative_revenue_per_customer,
    net_revenue,
    share(net_revenue, cohort_size) as net_revenue_per_customer,
    (sum(net_revenue) over by_age)::decimal(18, 4) as cumulative_net_revenue,
    share(sum(net_revenue) over by_age, cohort_size) as cumulative_net_revenue_per_customer,
    gross_revenue,
    share(gross_revenue, cohort_size) as gross_revenue_per_customer,
    (sum(gross_revenue) over by_age)::decimal(18, 4) as cumulative_gross_revenue,
    share(sum(gross_revenue) over by_age, cohort_size) as cumulative_gross_revenue_per_customer,
    is_partial_month
from filled
window by_age as (partition by cohort_month order by order_month);

-- RFM on any date ----------------------------------------------------------------------------------------

-- Into the window when it is known, out of it a year after its order.
create temp table days as
with entries as (
    select customer_key, known_date, orders, amount, effective_date + 365 as exit_date,
        if(orders > 0, effective_date, null) as order_date
    from ledger
    where orders <> 0 or amount <> 0
),

steps as (
    select customer_key, known_date as day, order_date,
        if(known_date < exit_date, orders, 0) as orders,
        if(known_date < exit_date, amount, 0) as amount
    from entries
    union all
    select customer_key, exit_date, null, -orders, -amount
    from entries
    where known_date < exit_date
)

select customer_key, day, sum(orders)::integer as orders, sum(amount)::decimal(18, 4) as amount,
    min(order_date) as first_order_date, max(order_date) as last_order_date
from steps
group by customer_key, day;

-- Where an order is undone, first and last order are no running minimum and maximum, and where days
-- change nothing, neighbours must be compared. These customers are few and go the long way.
create temp table special_customers as
select customer_key from ledger where orders < 0
union
select customer_key from days where orders = 0 and amount = 0;

create temp table special_intervals as
with order_ranges as (
    select customer_key, effective_date, orders, known_date as from_date,
        coalesce(
            lead(known_date) over (partition by order_id order by known_date), date '9999-12-01'
        ) as until_date
    from ledger
    semi join special_customers using (customer_key)
    where orders <> 0
),

counting as (
    select customer_key, day, min(effective_date) as first_order_date,
        max(effective_date) as last_order_date
    from days
    join order_ranges using (customer_key)
    where day >= from_date and day < until_date and order_ranges.orders > 0
    group by customer_key, day
),

running as (
    select
        customer_key,
        day,
        orders <> 0 or amount <> 0 as is_changed,
        sum(orders) over so_far as frequency,
        sum(amount) over so_far as monetary
    from days
    semi join special_customers using (customer_key)
    window so_far as (partition by customer_key order by day rows unbounded preceding)
),

changed as (
    from running
    left join counting using (customer_key, day)
    window by_day as (partition by customer_key order by day)
    qualify is_changed
        or first_order_date is distinct from lag(first_order_date) over by_day
        or last_order_date is distinct from lag(last_order_date) over by_day
)

select *, lead(day) over (partition by customer_key order by day) as until_day
from changed;

create temp table intervals as
select
    customer_key,
    day as valid_from,
    coalesce(until_day, date '9999-12-01') as valid_until,
    first_order_date,
    last_order_date,
    frequency::bigint as frequency,
    monetary::decimal(18, 4) as monetary
from (
    select
        customer_key,
        day,
        sum(orders) over so_far as frequency,
        sum(amount) over so_far as monetary,
        min(first_order_date) over so_far as first_order_date,
        max(last_order_date) over so_far as last_order_date,
        lead(day) over so_far as until_day
    from days
    anti join special_customers using (customer_key)
    window so_far as (partition by customer_key order by day rows unbounded preceding)
    union all by name
    from special_intervals
)
where last_order_date is not null;

create table rfm.fct_rfm_intervals as
select customer_id, columns(* exclude (customer_id, customer_key))
from intervals
join customer_keys using (customer_key);

create table rfm.dim_snapshots as
with numbered as (
    select
        order_month,
        row_number() over (order by order_month) as snapshot_number,
        not is_partial_month as is_month_end,
        order_month = as_of_month as is_as_of,
        if(is_as_of, as_of_date, last_day(order_month)) as snapshot_date
    from lifecycle.dim_months
    cross join period
)

select
    snapshot_date,
    snapshot_number,
    lag(snapshot_date) over (order by snapshot_number) as previous_snapshot_date,
    order_month,
    is_month_end,
    is_as_of
from numbered
where is_as_of
    or snapshot_number > (select max(snapshot_number) from numbered where is_month_end) - 24;

create view rfm.fct_rfm_snapshots as
with bounds as (
    select min(order_month) as first_month, max(order_month) + interval 1 month as end_month,
        max(snapshot_date) as as_of_date
    from rfm.dim_snapshots
),

-- A month has one snapshot, so that a range of dates is a range of months.
held as (
    select
        customer_id,
        first_order_date,
        last_order_date,
        frequency,
        monetary,
        unnest(range(
            greatest(date_trunc('month', valid_from), first_month)::timestamp,
            if(valid_until > as_of_date, end_month, date_trunc('month', valid_until))::timestamp,
            interval 1 month
        ))::date as order_month
    from rfm.fct_rfm_intervals
    cross join bounds
    where valid_from <= as_of_date
)

select
    snapshot_date,
    customer_id,
    first_order_date,
    last_order_date,
    snapshot_date - last_order_date as recency_days,
    snapshot_date - first_order_date as customer_age_days,
    frequency,
    monetary,
    monetary::double / nullif(frequency, 0) as avg_order_value,
    recency_days::double / nullif(customer_age_days, 0) as recency_ratio,
    if(customer_age_days >= 30, frequency * 30.0 / customer_age_days, null) as orders_per_30_days,
    ln(greatest(monetary, 0)::double + 1) as log_monetary
from held
join rfm.dim_snapshots using (order_month);

-- Dense, for cuts and moves.
create temp table snapshot_rows as
with bounds as (
    select min(snapshot_number) as first_number, max(snapshot_number) as last_number,
        max(snapshot_date) as as_of_date
    from rfm.dim_snapshots
),

numbered as (
    select
        customer_key,
        last_order_date,
        frequency,
        monetary,
        unnest(range(
            greatest(months_apart(first_month, valid_from) + 1, first_number),
            if(valid_until > bounds.as_of_date, last_number,
                months_apart(first_month, valid_until)) + 1
        ))::tinyint as snapshot_number
    from intervals
    cross join bounds
    cross join period
    where valid_from <= bounds.as_of_date
)

select
    customer_key,
    numbered.snapshot_number,
    (snapshot_date - last_order_date)::integer as recency_days,
    frequency::integer as frequency,
    monetary
from numbered
join rfm.dim_snapshots on dim_snapshots.snapshot_number = numbered.snapshot_number;

-- Days and orders take few values, whose counts say the quantiles; money takes many.
create temp table thresholds as
with counts as (
    select snapshot_number, 'recency_days' as measure, recency_days as value, count(*) as customers
    from snapshot_rows
    group by all
    union all
    select snapshot_number, 'frequency', frequency, count(*)
    from snapshot_rows
    group by all
),

ranked as (
    select
        *,
        sum(customers) over up_to::bigint as up_to,
        sum(customers) over (partition by snapshot_number, measure)::bigint as total,
        lead(value, 1, value) over up_to as next_value
    from counts
    window up_to as (partition by snapshot_number, measure order by value)
),

quantiles as (
    select
        snapshot_number,
        measure,
        number,
        round(value + if(
            (total - 1) * number // 5 = up_to - 1,
            (next_value - value)::double * ((total - 1) * number % 5) / 5,
            0
        ), 6) as threshold
    from ranked
    cross join (select unnest(range(1, 5)) as number)
    where (total - 1) * number // 5 between up_to - customers and up_to - 1
    union all
    select
        snapshot_number,
        'monetary',
        unnest(range(1, 5)),
        unnest(list_transform(
            quantile_cont(monetary::double, [0.2, 0.4, 0.6, 0.8]), lambda cut: round(cut, 6)
        ))
    from snapshot_rows
    group by snapshot_number
),

means as (
    select snapshot_number, measure,
        sum(value * customers)::double / sum(customers)::double as threshold
    from counts
    group by snapshot_number, measure
    union all
    select snapshot_number, 'monetary', (sum(monetary) * 10000)::double / count(*) / 10000
    from snapshot_rows
    group by snapshot_number
)

select 'quintile' as scheme, snapshot_number, measure, number, threshold, false as is_reached,
    5 as levels, 1 as lowest
from quantiles
union all
select 'mean_split', snapshot_number, measure, 1, threshold, false, 2, 0
from means
union all
select scheme, snapshot_number, measure, band, threshold, measure <> 'recency_days', 5, 1
from rfm_bands
cross join rfm.dim_snapshots;

create table rfm.dim_rfm_thresholds as
select
    scheme,
    snapshot_date,
    if(scheme = 'fixed_bands', null, snapshot_date) as fitted_date,
    measure,
    number::bigint as threshold_number,
    threshold::double as threshold,
    is_reached as is_reached_at_threshold
from thresholds
join rfm.dim_snapshots using (snapshot_number);

create table rfm.dim_segment_strategies as
select
    segments.scheme,
    segments.segment,
    segments.segment_order::bigint as segment_order,
    segments.name_en,
    segments.name_zh,
    goal_en,
    goal_zh,
    offer_en,
    offer_zh,
    max_discount_amount::decimal(18, 4) as max_discount_amount,
    max_discount_share::double as max_discount_share,
    contact_interval_days::bigint as contact_interval_days,
    channel,
    target_metric,
    target_increase::double as target_increase
from (
    select scheme, segment, segment_order, name_en, name_zh
    from rfm_segments
    group by all
) as segments
left join segment_strategies using (scheme, segment);

create table rfm.dim_rfm_cuts as
with bands as (
    select scheme, snapshot_number, measure, levels, lowest, is_reached,
        unnest(range(0, count(*) + 1)) as band,
        unnest(list_prepend(null, list(threshold order by number))) as lower_bound,
        unnest(list_append(list(threshold order by number), null)) as upper_bound
    from thresholds
    group by all
)

select
    scheme,
    snapshot_date,
    if(scheme = 'fixed_bands', null, snapshot_date) as fitted_date,
    measure,
    (lowest + if(measure = 'recency_days', levels - 1 - band, band))::bigint as score,
    lower_bound,
    upper_bound,
    is_reached as is_lower_bound_included
from bands
join rfm.dim_snapshots using (snapshot_number);

create table rfm.dim_rfm_cells as
with scores as (
    select scheme, unnest(range(lowest, lowest + levels)) as score
    from (select distinct scheme, lowest, levels from thresholds)
),

cells as (
    select scheme, recency.score as r, frequency.score as f, monetary.score as m,
        recency.score * r_weight + frequency.score * f_weight + monetary.score * m_weight
            as weighted_score
    from scores as recency
    join scores as frequency using (scheme)
    join scores as monetary using (scheme)
    join rfm_schemes using (scheme)
)

select
    cells.scheme,
    r as r_score,
    f as f_score,
    m as m_score,
    concat(r, f, m) as rfm_code,
    r + f + m as rfm_total,
    weighted_score::double as rfm_weighted_score,
    segment,
    segment_order,
    name_en,
    name_zh
from cells
left join rfm_segments as map
    on map.scheme = cells.scheme
    and r between r_min and r_max
    and f between f_min and f_max
    and m between m_min and m_max
    and f + m between fm_min and fm_max
    and r + f + m between total_min and total_max;

-- A threshold that counts when it is reached is one that is exceeded just below it. Unused ones are
-- never exceeded.
create view rfm.fct_rfm_scores as
with passing as (
    select *, if(is_lower_bound_included, nextafter(lower_bound, -1e300), lower_bound) as bound,
        row_number() over (
            partition by scheme, snapshot_date, measure order by lower_bound nulls first
        ) - 1 as number
    from rfm.dim_rfm_cuts
),

cuts as (
    select
        scheme,
        snapshot_date,
        min(score) as lowest,
        max(score) as highest,
        max(bound) filter (where measure = 'recency_days' and number = 1) as r1,
        coalesce(max(bound) filter (where measure = 'recency_days' and number = 2), 1e300) as r2,
        coalesce(max(bound) filter (where measure = 'recency_days' and number = 3), 1e300) as r3,
        coalesce(max(bound) filter (where measure = 'recency_days' and number = 4), 1e300) as r4,
        max(bound) filter (where measure = 'frequency' and number = 1) as f1,
        coalesce(max(bound) filter (where measure = 'frequency' and number = 2), 1e300) as f2,
        coalesce(max(bound) filter (where measure = 'frequency' and number = 3), 1e300) as f3,
        coalesce(max(bound) filter (where measure = 'frequency' and number = 4), 1e300) as f4,
        max(bound) filter (where measure = 'monetary' and number = 1) as m1,
        coalesce(max(bound) filter (where measure = 'monetary' and number = 2), 1e300) as m2,
        coalesce(max(bound) filter (where measure = 'monetary' and number = 3), 1e300) as m3,
        coalesce(max(bound) filter (where measure = 'monetary' and number = 4), 1e300) as m4
    from passing
    group by scheme, snapshot_date
),

scored as (
    select
        snapshot_date,
        scheme,
        customer_id,
        highest - (recency_days > r1)::bigint - (recency_days > r2)::bigint
        - (recency_days > r3)::bigint - (recency_days > r4)::bigint as r_score,
        lowest + (frequency > f1)::bigint + (frequency > f2)::bigint
        + (frequency > f3)::bigint + (frequency > f4)::bigint as f_score,
        lowest + (monetary::double > m1)::bigint + (monetary::double > m2)::bigint
        + (monetary::double > m3)::bigint + (monetary::double > m4)::bigint as m_score
    from rfm.fct_rfm_snapshots
    join cuts using (snapshot_date)
)

select
    snapshot_date, scheme, customer_id, r_score, f_score, m_score, rfm_code, rfm_total,
    rfm_weighted_score, segment
from scored
join rfm.dim_rfm_cells using (scheme, r_score, f_score, m_score);

create table rfm.rpt_score_cells as
select scheme, snapshot_date, r_score, f_score, m_score, count(*) as customers,
    sum(monetary)::decimal(18, 4) as revenue
from rfm.fct_rfm_scores
join rfm.fct_rfm_snapshots using (snapshot_date, customer_id)
where snapshot_date = (select max(snapshot_date) from rfm.dim_snapshots)
group by all;

create temp table cuts as
pivot (
    select
        snapshot_number,
        concat(scheme, '_', measure[1], number) as name,
        if(is_reached, nextafter(threshold, -1e300), threshold) as bound
    from thresholds
) on name using first(bound);

-- What there is to say of a customer in a month: the scores of the snapshot, and the money.
create temp table facts as
with scored as (
    select
        rows.*,
        100 * (5 - (recency_days > quintile_r1)::smallint - (recency_days > quintile_r2)::smallint
            - (recency_days > quintile_r3)::smallint - (recency_days > quintile_r4)::smallint)
        + 10 * (1 + (frequency > quintile_f1)::smallint + (frequency > quintile_f2)::smallint
            + (frequency > quintile_f3)::smallint + (frequency > quintile_f4)::smallint)
        + 1 + (monetary::double > quintile_m1)::smallint
        + (monetary::double > quintile_m2)::smallint + (monetary::double > quintile_m3)::smallint
        + (monetary::double > quintile_m4)::smallint as quintile,
        100 * (1 - (recency_days > mean_split_r1)::smallint)
        + 10 * (frequency > mean_split_f1)::smallint
        + (monetary::double > mean_split_m1)::smallint as mean_split,
        100 * (5 - (recency_days > fixed_bands_r1)::smallint
            - (recency_days > fixed_bands_r2)::smallint - (recency_days > fixed_bands_r3)::smallint
            - (recency_days > fixed_bands_r4)::smallint)
        + 10 * (1 + (frequency > fixed_bands_f1)::smallint
            + (frequency > fixed_bands_f2)::smallint + (frequency > fixed_bands_f3)::smallint
            + (frequency > fixed_bands_f4)::smallint)
        + 1 + (monetary::double > fixed_bands_m1)::smallint
        + (monetary::double > fixed_bands_m2)::smallint
        + (monetary::double > fixed_bands_m3)::smallint
        + (monetary::double > fixed_bands_m4)::smallint as fixed_bands
    from snapshot_rows as rows
    join cuts using (snapshot_number)
),

money as (
    select customer_key, snapshot_number::tinyint as snapshot_number, order_count > 0 as is_buyer,
        if(getvariable('basis') = 'gross', gross_revenue, net_revenue) as revenue
    from month_sums
    join rfm.dim_snapshots using (order_month)
)

select
    customer_key,
    snapshot_number,
    quintile::smallint as quintile,
    mean_split::smallint as mean_split,
    fixed_bands::smallint as fixed_bands,
    recency_days,
    frequency,
    monetary,
    revenue,
    coalesce(is_buyer, false) as is_buyer
from scored
full join money using (customer_key, snapshot_number);

drop table snapshot_rows;

-- Every customer beside the month before, added up by all scores at once and then by scheme.
create temp table cell_moves as
select
    coalesce(later.snapshot_number, earlier.snapshot_number + 1) as snapshot_number,
    earlier.quintile as from_quintile,
    later.quintile as to_quintile,
    earlier.mean_split as from_mean_split,
    later.mean_split as to_mean_split,
    earlier.fixed_bands as from_fixed_bands,
    later.fixed_bands as to_fixed_bands,
    coalesce(earlier.is_buyer, false) as is_buyer_before,
    coalesce(later.is_buyer, false) as is_buyer_after,
    count(*) as customers,
    sum(later.recency_days) as recency_days,
    sum(later.frequency) as frequency,
    sum(earlier.monetary) as monetary_before,
    sum(later.monetary) as monetary_after,
    sum(earlier.revenue) as revenue_before,
    sum(later.revenue) as revenue_after
from (
    from facts
    where snapshot_number < (select max(snapshot_number) from rfm.dim_snapshots)
) as earlier
full join facts as later
    on later.customer_key = earlier.customer_key
    and later.snapshot_number = earlier.snapshot_number + 1
group by all;

drop table facts;

create temp table moves as
with schemes as (
    select
        unnest(['quintile', 'mean_split', 'fixed_bands']) as scheme,
        unnest([from_quintile, from_mean_split, from_fixed_bands]) as from_cell,
        unnest([to_quintile, to_mean_split, to_fixed_bands]) as to_cell,
        *
    from cell_moves
),

cells as (
    select scheme, 100 * r_score + 10 * f_score + m_score as cell, segment, segment_order
    from rfm.dim_rfm_cells
)

select
    schemes.scheme,
    snapshot_number,
    before.segment as from_segment,
    before.segment_order as from_order,
    after.segment as to_segment,
    after.segment_order as to_order,
    is_buyer_before,
    is_buyer_after,
    sum(customers) as customers,
    sum(recency_days) as recency_days,
    sum(frequency) as frequency,
    sum(monetary_before) as monetary_before,
    sum(monetary_after) as monetary_after,
    sum(revenue_before) as revenue_before,
    sum(revenue_after) as revenue_after
from schemes
left join cells as before on before.scheme = schemes.scheme and before.cell = from_cell
left join cells as after on after.scheme = schemes.scheme and after.cell = to_cell
group by all;

create table rfm.rpt_segment_moves as
select
    scheme,
    snapshot_date as to_snapshot,
    previous_snapshot_date as from_snapshot,
    coalesce(from_segment, 'none') as from_segment,
    coalesce(to_segment, 'none') as to_segment,
    is_buyer_before,
    is_buyer_after,
    customers::bigint as customers,
    coalesce(recency_days, 0)::bigint as recency_days,
    coalesce(frequency, 0)::bigint as frequency,
    coalesce(monetary_before, 0)::decimal(18, 4) as monetary_before,
    coalesce(monetary_after, 0)::decimal(18, 4) as monetary_after,
    coalesce(revenue_before, 0)::decimal(18, 4) as revenue_before,
    coalesce(revenue_after, 0)::decimal(18, 4) as revenue_after
from moves
join rfm.dim_snapshots using (snapshot_number);

create table rfm.rpt_segments as
with segments as (
    select scheme, segment, segment_order, any_value(name_en) as name_en,
        any_value(name_zh) as name_zh
    from rfm.dim_rfm_cells
    group by scheme, segment, segment_order
),

summed as (
    select scheme, snapshot_number, to_segment as segment, sum(customers) as customers,
        sum(monetary_after) as revenue, sum(recency_days) as recency_days,
        sum(frequency) as frequency
    from moves
    where to_segment is not null
    group by all
)

select
    scheme,
    snapshot_date,
    segment,
    segment_order,
    name_en,
    name_zh,
    coalesce(customers, 0)::bigint as customers,
    share(coalesce(summed.customers, 0), sum(summed.customers) over whole) as customer_share,
    coalesce(summed.revenue, 0)::decimal(18, 4) as revenue,
    share(coalesce(summed.revenue, 0), sum(summed.revenue) over whole) as revenue_share,
    share(recency_days, summed.customers) as mean_recency_days,
    share(frequency, summed.customers) as mean_frequency,
    share(summed.revenue, summed.customers) as mean_monetary
from segments
cross join rfm.dim_snapshots
left join summed using (scheme, snapshot_number, segment)
window whole as (partition by scheme, snapshot_date);

create table rfm.rpt_segment_migration as
select
    scheme,
    previous_snapshot_date as from_snapshot,
    snapshot_date as to_snapshot,
    coalesce(from_segment, 'entered') as from_segment,
    coalesce(to_segment, 'left') as to_segment,
    sum(customers)::bigint as customers,
    coalesce(sum(monetary_before), 0)::decimal(18, 4) as revenue_before,
    coalesce(sum(monetary_after), 0)::decimal(18, 4) as revenue_after
from moves
join rfm.dim_snapshots using (snapshot_number)
where previous_snapshot_date is not null
    and (from_segment is not null or to_segment is not null)
group by all;

create table rfm.rpt_revenue_walk as
with moved as (
    select
        scheme,
        snapshot_number,
        case
            when from_order is null then if(to_order is null, 'outside', 'new')
            when to_order is null or (is_buyer_before and not is_buyer_after) then 'lost'
            when to_order < from_order then 'moved_up'
            when to_order > from_order then 'moved_down'
            else 'same_segment'
        end as movement,
        sum(customers) as customers,
        sum(revenue_before) as revenue_before,
        sum(revenue_after) as revenue_after
    from moves
    group by all
),

movements as (
    select
        unnest(['new', 'lost', 'moved_up', 'moved_down', 'same_segment', 'outside']) as movement,
        unnest(range(1, 7)) as movement_order
)

select
    scheme,
    order_month,
    previous_snapshot_date as from_snapshot,
    snapshot_date as to_snapshot,
    movement,
    movement_order,
    coalesce(customers, 0)::bigint as customers,
    coalesce(moved.revenue_before, 0)::decimal(18, 4) as revenue_before,
    coalesce(moved.revenue_after, 0)::decimal(18, 4) as revenue_after,
    (coalesce(moved.revenue_after, 0) - coalesce(moved.revenue_before, 0))::decimal(18, 4)
        as revenue_change,
    not is_month_end as is_partial_month
from rfm_schemes
cross join rfm.dim_snapshots
cross join movements
left join moved using (scheme, snapshot_number, movement)
where previous_snapshot_date is not null;

create view rfm.rpt_segment_migration_between as
with scored as (
    select scheme, snapshot_date, customer_id, segment, monetary
    from rfm.fct_rfm_scores
    join rfm.fct_rfm_snapshots using (snapshot_date, customer_id)
),

pairs as (
    select earlier.snapshot_date as from_snapshot, later.snapshot_date as to_snapshot
    from rfm.dim_snapshots as earlier
    join rfm.dim_snapshots as later on earlier.snapshot_date < later.snapshot_date
)

select
    scheme,
    from_snapshot,
    to_snapshot,
    coalesce(before.segment, 'entered') as from_segment,
    coalesce(after.segment, 'left') as to_segment,
    count(*) as customers,
    coalesce(sum(before.monetary), 0)::decimal(18, 4) as revenue_before,
    coalesce(sum(after.monetary), 0)::decimal(18, 4) as revenue_after
from (select * from scored join pairs on snapshot_date = from_snapshot) as before
full join (select * from scored join pairs on snapshot_date = to_snapshot) as after
    using (scheme, from_snapshot, to_snapshot, customer_id)
group by scheme, from_snapshot, to_snapshot, before.segment, after.segment;

create view rfm.fct_segment_tenures as
with history as (
    select scheme, customer_id, segment, snapshot_date, snapshot_number, is_as_of,
        lag(segment) over past as last_segment,
        lag(snapshot_number) over past as last_number
    from rfm.fct_rfm_scores
    join rfm.dim_snapshots using (snapshot_date)
    window past as (partition by scheme, customer_id order by snapshot_number)
),

present as (
    select scheme, customer_id, segment, snapshot_date from history where is_as_of
)

select
    scheme,
    customer_id,
    present.snapshot_date,
    present.segment,
    max(history.snapshot_date) filter (where is_entry and history.segment = present.segment)
        as segment_since,
    (present.snapshot_date - segment_since)::bigint as days_in_segment,
    count(*) filter (where is_entry and history.segment = present.segment) - 1 as reentries,
    count(*) filter (where last_segment <> history.segment) as segment_changes
from (
    select *, last_segment is distinct from segment or last_number <> snapshot_number - 1
        as is_entry
    from history
) as history
join present using (scheme, customer_id)
group by scheme, customer_id, present.snapshot_date, present.segment;

-- Sales --------------------------------------------------------------------------------------------------

create temp macro growth(now, before, is_comparable) as
    if(is_comparable, (now - before)::double / nullif(before::double, 0), null);

create table sales.rpt_sales_by_line_kind as
with flows as (
    select month(order_date) as order_month, line_kind, customer_id is not null as is_known_customer,
        count(*) filter (where line_type = 'sale') as line_count,
        sum(quantity) filter (where line_type = 'sale') as units,
        0 as returned_units,
        sum(gross_revenue) as gross_revenue,
        0 as returned_revenue,
        sum(discount_revenue) as discount_revenue
    from core.fct_order_lines
    group by all
    union all
    select month(cancellation_date), line_kind, customer_id is not null, 0, 0, sum(quantity), 0,
        sum(revenue), 0
    from core.fct_cancellations
    group by all
)

select
    order_month,
    line_kind,
    is_known_customer,
    sum(line_count)::bigint as line_count,
    coalesce(sum(units), 0)::bigint as units,
    sum(returned_units)::bigint as returned_units,
    sum(gross_revenue)::decimal(18, 4) as gross_revenue,
    sum(returned_revenue)::decimal(18, 4) as returned_revenue,
    sum(discount_revenue)::decimal(18, 4) as discount_revenue,
    sum(gross_revenue - returned_revenue - discount_revenue)::decimal(18, 4) as net_revenue
from flows
group by order_month, line_kind, is_known_customer;

-- One pass over the orders serves the reports by month and by channel, platform and country.
create temp table order_groups as
select
    month(order_date) as order_month,
    coalesce(channel, 'unknown') as channel,
    coalesce(platform, 'unknown') as platform,
    coalesce(country, 'unknown') as country,
    customer_key,
    count(*) as orders,
    min(order_date) as first_order_date,
    sum(gross_revenue) as gross_revenue,
    sum(discount_revenue) as discount_revenue,
    sum(net_revenue) as net_revenue
from core.fct_orders
left join customer_keys using (customer_id)
group by all;

create table sales.rpt_sales_by_month as
with ordered as (
    select
        order_month,
        sum(orders)::bigint as orders,
        coalesce(sum(orders) filter (where customer_key is not null), 0)::bigint as known_orders,
        count(distinct customer_key) as buyers,
        min(first_order_date) as first_order_date
    from order_groups
    group by order_month
),

summed as (
    select
        order_month,
        sum(line_count) as line_count,
        sum(units) as units,
        sum(units) filter (where is_known_customer) as known_units,
        sum(gross_revenue) as gross,
        sum(returned_revenue) as returned,
        sum(discount_revenue) as discount,
        sum(net_revenue) as net,
        sum(gross_revenue) filter (where is_known_customer) as known_gross,
        sum(net_revenue) filter (where is_known_customer) as known_net
    from sales.rpt_sales_by_line_kind
    group by order_month
),

filled as (
    select
        order_month,
        is_partial_month,
        is_left_censored_month,
        first_order_date,
        coalesce(orders, 0) as orders,
        coalesce(known_orders, 0) as known_orders,
        coalesce(buyers, 0) as buyers,
        coalesce(line_count, 0)::bigint as line_count,
        coalesce(units, 0)::bigint as units,
        coalesce(known_units, 0)::bigint as known_units,
        coalesce(gross, 0)::decimal(18, 4) as gross,
        coalesce(returned, 0)::decimal(18, 4) as returned,
        coalesce(discount, 0)::decimal(18, 4) as discount,
        coalesce(net, 0)::decimal(18, 4) as net,
        coalesce(known_gross, 0)::decimal(18, 4) as known_gross,
        coalesce(known_net, 0)::decimal(18, 4) as known_net,
        not is_partial_month
        and not (is_left_censored_month and coalesce(first_order_date > order_month, true))
            as is_whole
    from lifecycle.dim_months
    left join ordered using (order_month)
    left join summed using (order_month)
),

compared as (
    select *, coalesce(is_whole and lag(is_whole) over (order by order_month), false)
        as is_comparable
    from filled
)

select
    order_month,
    orders,
    known_orders as known_customer_orders,
    buyers,
    line_count,
    units,
    known_units as known_customer_units,
    gross as gross_revenue,
    returned as returned_revenue,
    discount as discount_revenue,
    net as net_revenue,
    known_gross as known_customer_gross_revenue,
    known_net as known_customer_net_revenue,
    share(if(getvariable('basis') = 'gross', known_gross, known_net), buyers) as revenue_per_buyer,
    share(known_orders, buyers) as orders_per_buyer,
    share(gross, orders) as avg_gross_order_value,
    share(net, orders) as avg_net_order_value,
    share(line_count, orders) as lines_per_order,
    share(units, orders) as units_per_order,
    share(known_units, known_orders) as known_customer_units_per_order,
    growth(orders, lag(orders) over by_month, is_comparable) as order_growth_rate,
    growth(buyers, lag(buyers) over by_month, is_comparable) as buyer_growth_rate,
    growth(units, lag(units) over by_month, is_comparable) as unit_growth_rate,
    growth(gross, lag(gross) over by_month, is_comparable) as gross_revenue_growth_rate,
    growth(net, lag(net) over by_month, is_comparable) as net_revenue_growth_rate,
    is_partial_month
from compared
window by_month as (order by order_month);

create table sales.rpt_channel_share as
with summed as (
    select
        case grouping(channel, platform, country)
            when 3 then 'channel' when 5 then 'platform' else 'country'
        end as dimension,
        coalesce(channel, platform, country) as dimension_value,
        sum(orders)::bigint as orders,
        count(distinct customer_key) as buyers,
        sum(gross_revenue)::decimal(18, 4) as gross_revenue,
        sum(net_revenue)::decimal(18, 4) as net_revenue
    from order_groups
    group by grouping sets (channel, platform, country)
)

select
    *,
    share(orders, sum(orders) over whole) as order_share,
    share(gross_revenue, sum(gross_revenue) over whole) as gross_revenue_share,
    share(net_revenue, sum(net_revenue) over whole) as net_revenue_share
from summed
window whole as (partition by dimension);

create table sales.rpt_channel_share_by_month as
with returned as (
    select
        month(cancellation_date) as order_month,
        coalesce(channel, 'unknown') as channel,
        coalesce(platform, 'unknown') as platform,
        coalesce(country, 'unknown') as country,
        sum(revenue) as revenue
    from core.fct_cancellations
    join core.fct_orders on order_id = cancelled_order_id
    group by all
),

flows as (
    select
        case grouping(channel, platform, country)
            when 3 then 'channel' when 5 then 'platform' else 'country'
        end as dimension,
        coalesce(channel, platform, country) as dimension_value,
        order_month,
        sum(orders) as orders,
        count(distinct customer_key) as buyers,
        sum(gross_revenue) as gross,
        0 as returned,
        sum(discount_revenue) as discount
    from order_groups
    group by grouping sets (
        (channel, order_month), (platform, order_month), (country, order_month)
    )
    union all
    select
        case grouping(channel, platform, country)
            when 3 then 'channel' when 5 then 'platform' else 'country'
        end,
        coalesce(channel, platform, country),
        order_month, 0, 0, 0, sum(revenue), 0
    from returned
    group by grouping sets (
        (channel, order_month), (platform, order_month), (country, order_month)
    )
),

summed as (
    select dimension, dimension_value, order_month, sum(orders) as orders, sum(buyers) as buyers,
        sum(gross) as gross, sum(returned) as returned, sum(discount) as discount
    from flows
    group by dimension, dimension_value, order_month
),

spans as (
    select dimension, dimension_value, min(order_month) as first_month
    from summed
    group by dimension, dimension_value
),

filled as (
    select
        dimension,
        dimension_value,
        order_month,
        coalesce(orders, 0)::bigint as orders,
        coalesce(buyers, 0)::bigint as buyers,
        coalesce(gross, 0)::decimal(18, 4) as gross_revenue,
        coalesce(returned, 0)::decimal(18, 4) as returned_revenue,
        coalesce(discount, 0)::decimal(18, 4) as discount_revenue,
        (gross_revenue - returned_revenue - discount_revenue)::decimal(18, 4) as net_revenue,
        is_partial_month
    from spans
    join lifecycle.dim_months on order_month >= first_month
    left join summed using (dimension, dimension_value, order_month)
)

select
    * exclude (is_partial_month),
    share(orders, sum(orders) over whole) as order_share,
    share(gross_revenue, sum(gross_revenue) over whole) as gross_revenue_share,
    share(net_revenue, sum(net_revenue) over whole) as net_revenue_share,
    is_partial_month
from filled
window whole as (partition by dimension, order_month);

create table sales.rpt_largest_orders as
with largest as (
    select *, row_number() over (order by gross_revenue desc, order_id) as order_rank
    from (from core.fct_orders order by gross_revenue desc, order_id limit 50)
),

undone as (
    select cancelled_order_id as order_id, min(cancelling_order_id) as first_order,
        min(cancelled_at) as first_at
    from core.fct_cancellations
    where cancelled_order_id in (select order_id from largest)
    group by cancelled_order_id
)

select
    order_rank,
    order_id,
    customer_id,
    country,
    ordered_at,
    order_date,
    largest.line_count,
    unit_count,
    largest.gross_revenue,
    share(largest.gross_revenue, months.gross_revenue) as month_gross_revenue_share,
    largest.returned_revenue,
    largest.discount_revenue,
    largest.net_revenue,
    is_fully_cancelled,
    first_order as first_cancelling_order_id,
    date_diff('minute', ordered_at, first_at) as minutes_to_first_cancellation
from largest
left join undone using (order_id)
left join sales.rpt_sales_by_month as months on months.order_month = month(largest.order_date);

create table sales.rpt_largest_order_lines as
select
    order_rank,
    order_id,
    line_number,
    product_id,
    product_name,
    lines.line_kind,
    quantity,
    unit_price,
    cancelled_quantity,
    lines.gross_revenue,
    lines.returned_revenue,
    lines.discount_revenue,
    lines.net_revenue,
    share(lines.gross_revenue, largest.gross_revenue) as order_gross_revenue_share
from core.fct_order_lines as lines
join sales.rpt_largest_orders as largest using (order_id)
left join core.dim_products using (product_id)
where line_type = 'sale';

-- Values recur: one row per value, with how often, is what bands and quantiles are made from.
create temp table order_values as
select 'order_value' as measure, gross_revenue as value, count(*) as orders
from core.fct_orders
group by gross_revenue
union all
select 'paid_amount', paid_amount, count(*)
from core.fct_orders
where paid_amount is not null
group by paid_amount;

create table sales.rpt_order_value_bands as
with counted as (
    select measures.measure, band, lower_bound, upper_bound,
        coalesce(sum(orders), 0) as orders, coalesce(sum(orders * value), 0) as revenue
    from (select distinct measure from order_values) as measures
    cross join (from value_bands where measure = 'order_value') as bands
    left join order_values
        on order_values.measure = measures.measure
        and value >= coalesce(lower_bound, -1e12)
        and value < coalesce(upper_bound, 1e14)
    group by all
)

select
    measure,
    band,
    lower_bound::decimal(18, 4) as lower_bound,
    upper_bound::decimal(18, 4) as upper_bound,
    orders::bigint as orders,
    share(orders, sum(orders) over whole) as order_share,
    share(sum(orders) over so_far, sum(orders) over whole) as cumulative_order_share,
    revenue::decimal(18, 4) as revenue,
    share(revenue, sum(revenue) over whole) as revenue_share,
    share(sum(revenue) over so_far, sum(revenue) over whole) as cumulative_revenue_share
from counted
window
    whole as (partition by measure),
    so_far as (partition by measure order by band rows unbounded preceding);

create table sales.rpt_order_value_quantiles as
with ranked as (
    select
        *,
        sum(orders) over up_to as up_to,
        sum(orders) over (partition by measure) as total,
        lead(value, 1, value) over up_to as next_value
    from order_values
    window up_to as (partition by measure order by value)
),

places as (
    select *, (total - 1) * percent // 100 as place, (total - 1) * percent % 100 as part
    from ranked
    cross join (select unnest([0, 10, 25, 50, 75, 90, 95, 99, 100]) as percent)
)

select
    measure,
    percent / 100 as quantile,
    (value + if(place + 1 = up_to, (next_value - value) * part / 100, 0))::decimal(18, 4) as value,
    total::bigint as orders
from places
where place between up_to - orders and up_to - 1;

-- Bounds of the 95 % interval of a Poisson count (Byar's approximation).
create temp macro poisson_low(n) as
    case
        when n = 0 then 0
        when n = 1 then -ln(0.975)
        else n * pow(1 - 1 / (9 * n) - 1.959963984540054 / (3 * sqrt(n)), 3)
    end;
create temp macro poisson_high(n) as
    case
        when n = 0 then -ln(0.025)
        else (n + 1) * pow(1 - 1 / (9 * (n + 1)) + 1.959963984540054 / (3 * sqrt(n + 1)), 3)
    end;

create table sales.rpt_price_bands as
with prices as (
    select product_id, unit_price, quantity, count(*) as line_count, sum(quantity) as units,
        sum(gross_revenue) as gross, sum(net_revenue) as net
    from core.fct_order_lines
    where line_type = 'sale' and line_kind = 'product'
    group by product_id, unit_price, quantity
    union all by name
    select product_id, list_price as unit_price
    from core.dim_products
    where line_kind = 'product' and list_price is not null
),

summed as (
    select
        band,
        lower_bound,
        upper_bound,
        count(distinct product_id) filter (where line_count > 0) as products,
        count(distinct product_id) as listed_products,
        coalesce(sum(line_count), 0)::bigint as line_count,
        coalesce(sum(units), 0)::bigint as units,
        coalesce(sum(units::hugeint * quantity), 0) as squared_units,
        coalesce(sum(gross), 0)::decimal(18, 4) as gross,
        coalesce(sum(net), 0)::decimal(18, 4) as net
    from (from value_bands where measure = 'unit_price') as bands
    left join prices
        on unit_price >= coalesce(lower_bound, -1) and unit_price < coalesce(upper_bound, 1e12)
    group by all
),

-- Pieces come in lots: so many lots of this size have as much chance in them.
lots as (
    select
        *,
        coalesce(share(squared_units, units), 1) as lot,
        coalesce(units::double * share(units, squared_units), 0) as lot_count
    from summed
)

select
    band,
    lower_bound::decimal(18, 4) as lower_bound,
    upper_bound::decimal(18, 4) as upper_bound,
    products,
    listed_products,
    line_count,
    units,
    gross as gross_revenue,
    net as net_revenue,
    share(line_count, products) as lines_per_product,
    share(units, products) as units_per_product,
    share(line_count, listed_products) as lines_per_listed_product,
    share(poisson_low(line_count::double), listed_products) as lines_per_listed_product_lower,
    share(poisson_high(line_count::double), listed_products) as lines_per_listed_product_upper,
    share(units, listed_products) as units_per_listed_product,
    share(lot * poisson_low(lot_count), listed_products) as units_per_listed_product_lower,
    share(lot * poisson_high(lot_count), listed_products) as units_per_listed_product_upper,
    share(gross, sum(gross) over ()) as gross_revenue_share
from lots;
