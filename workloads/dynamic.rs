//! Virtual calls: expressions and shapes behind trait objects, so that each operation
//! is a call through the table of functions.
//! Size: evaluations.

const NAME: &str = "dynamic";
const TEST_SIZE: i32 = 20;
const DEFAULT_SIZE: i32 = 100_000;
const MAX_SIZE: i32 = 10_000_000;

include!("workload.rs");

/// An expression of one variable.
trait Expr {
    fn eval(&self, x: i64) -> i64;
    fn nodes(&self) -> u32 {
        1
    }
}

struct Const(i64);
struct Var;
struct Unary<F>(Box<dyn Expr>, F);
struct Binary<F>(Box<dyn Expr>, Box<dyn Expr>, F);

impl Expr for Const {
    fn eval(&self, _: i64) -> i64 {
        self.0
    }
}

impl Expr for Var {
    fn eval(&self, x: i64) -> i64 {
        x
    }
}

impl<F: Fn(i64) -> i64> Expr for Unary<F> {
    fn eval(&self, x: i64) -> i64 {
        (self.1)(self.0.eval(x))
    }
    fn nodes(&self) -> u32 {
        1 + self.0.nodes()
    }
}

impl<F: Fn(i64, i64) -> i64> Expr for Binary<F> {
    fn eval(&self, x: i64) -> i64 {
        (self.2)(self.0.eval(x), self.1.eval(x))
    }
    fn nodes(&self) -> u32 {
        1 + self.0.nodes() + self.1.nodes()
    }
}

fn random_expr(depth: u32, random: &mut u32) -> Box<dyn Expr> {
    let choice = next_random(random) >> 7;
    if depth == 0 {
        return match choice % 3 {
            0 => Box::new(Const(i64::from(choice))),
            _ => Box::new(Var),
        };
    }
    let mut child = || random_expr(depth - 1, random);
    match choice % 8 {
        0 => Box::new(Unary(child(), i64::wrapping_neg)),
        1 => Box::new(Unary(child(), |x: i64| x.rotate_left(7))),
        2 | 3 => Box::new(Binary(child(), child(), i64::wrapping_add)),
        4 => Box::new(Binary(child(), child(), i64::wrapping_sub)),
        5 => Box::new(Binary(child(), child(), i64::wrapping_mul)),
        6 => Box::new(Binary(child(), child(), |a, b| a ^ b)),
        _ => Box::new(Binary(child(), child(), i64::max)),
    }
}

trait Shape {
    fn area(&self) -> f64;
    fn scale(&mut self, by: f64);
}

struct Square(f64);
struct Rectangle(f64, f64);
struct Triangle(f64, f64, f64);
struct Hexagon(f64);

impl Shape for Square {
    fn area(&self) -> f64 {
        self.0 * self.0
    }
    fn scale(&mut self, by: f64) {
        self.0 *= by;
    }
}

impl Shape for Rectangle {
    fn area(&self) -> f64 {
        self.0 * self.1
    }
    fn scale(&mut self, by: f64) {
        self.0 *= by;
        self.1 *= by;
    }
}

impl Shape for Triangle {
    fn area(&self) -> f64 {
        let half = (self.0 + self.1 + self.2) * 0.5;
        (half * (half - self.0) * (half - self.1) * (half - self.2)).sqrt()
    }
    fn scale(&mut self, by: f64) {
        self.0 *= by;
        self.1 *= by;
        self.2 *= by;
    }
}

impl Shape for Hexagon {
    fn area(&self) -> f64 {
        2.598_076_211_353_316 * self.0 * self.0
    }
    fn scale(&mut self, by: f64) {
        self.0 *= by;
    }
}

fn shapes(random: &mut u32) -> Vec<Box<dyn Shape>> {
    let mut length = || f64::from(next_random(random) % 1000 + 1) / 256.0;
    let mut shapes: Vec<Box<dyn Shape>> = Vec::new();
    for kind in 0..64_u32 {
        let (a, b) = (length(), length());
        shapes.push(match kind.wrapping_mul(0x9E37_79B1) >> 30 {
            0 => Box::new(Square(a)),
            1 => Box::new(Rectangle(a, b)),
            2 => Box::new(Triangle(a + b, a, b + a * 0.5)),
            _ => Box::new(Hexagon(a)),
        });
    }
    shapes
}

fn work(size: u32) -> Outcome {
    let mut random = 0x6479_6e61;
    let exprs: Vec<_> = (0..4).map(|_| random_expr(6, &mut random)).collect();
    let nodes: u32 = exprs.iter().map(|expr| expr.nodes()).sum();
    let mut shapes = shapes(&mut random);
    let mut sum = size;
    let mut total = 0.0;
    for turn in 0..size {
        let expr = &exprs[turn as usize % exprs.len()];
        sum = mix64(sum, expr.eval(i64::from(turn) - 100) as u64);
        if turn % 4 == 0 {
            let by = if turn % 8 == 0 { 1.25 } else { 0.8 };
            for shape in &mut shapes {
                shape.scale(by);
                total += shape.area();
            }
        }
    }
    Outcome {
        checksum: mix64(sum, f64::to_bits(total)),
        lines: vec![("nodes", nodes.into()), ("area", total as u64)],
    }
}
